import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

/// Services' families, on servers that have both and on those that don't, as upstream has it.
@Suite struct ServiceFamiliesTests {
    private func service(_ name: String, _ spec: String) -> String {
        "{apiVersion: v1, kind: Service, metadata: {name: \(name)}, spec: {selector: {a: b}, ports: [{port: 80}]\(spec.isEmpty ? "" : ", " + spec)}}"
    }

    private func families(_ tree: JSON) -> [String] { tree[path: "spec", "ipFamilies"]?.strings ?? [] }
    private func addresses(_ tree: JSON) -> [String] { tree[path: "spec", "clusterIPs"]?.strings ?? [] }

    @Test(arguments: [
        ("", "SingleStack", ["IPv4"]),
        ("ipFamilyPolicy: SingleStack, ipFamilies: [IPv6]", "SingleStack", ["IPv6"]),
        ("ipFamilies: [IPv6]", "SingleStack", ["IPv6"]),
        ("ipFamilyPolicy: PreferDualStack", "PreferDualStack", ["IPv4", "IPv6"]),
        ("ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6]", "PreferDualStack", ["IPv6", "IPv4"]),
        ("ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4]", "RequireDualStack", ["IPv6", "IPv4"]),
        ("clusterIP: 'fd00:10:96::77'", "SingleStack", ["IPv6"]),
        (
            "clusterIPs: ['fd00:10:96::78', 10.96.0.78], clusterIP: 'fd00:10:96::78', ipFamilyPolicy: PreferDualStack",
            "PreferDualStack", ["IPv6", "IPv4"]
        ),
    ])
    func `a service gets an address of each of its families`(_ spec: String, _ policy: String, _ wanted: [String]) async throws {
        try await withRegistry(isDualStack: true) { fixture in
            let tree = try await fixture.create(service("web", spec))
            #expect(families(tree) == wanted)
            #expect(tree[path: "spec", "ipFamilyPolicy"]?.string == policy)
            #expect(addresses(tree).map { Addresses.isIPv6($0) ? "IPv6" : "IPv4" } == wanted)
            #expect(tree[path: "spec", "clusterIP"]?.string == addresses(tree).first)
            let snapshot = fixture.cluster.snapshot
            for address in addresses(tree) {
                let object = try #require(snapshot.get(ServiceAllocation.addressKey(address)))
                #expect(
                    object.metadata.labels["ipaddress.kubernetes.io/ip-family"] == (Addresses.isIPv6(address) ? "IPv6" : "IPv4"))
            }
            let range = snapshot.get(Key(group: "networking.k8s.io", plural: "servicecidrs", name: "kubernetes"))
            #expect(range?.tree[path: "spec", "cidrs"]?.strings == ["10.96.0.0/12", "fd00:10:96::/112"])
            let services = try fixture.resource("services")
            try await fixture.registry.delete(services, namespace: "default", name: "web", fixture.admin)
            let left = fixture.cluster.snapshot
            #expect(addresses(tree).allSatisfy { left.get(ServiceAllocation.addressKey($0)) == nil })
        }
    }

    @Test(arguments: [
        (
            "ipFamilyPolicy: RequireDualStack",
            #"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#
        ),
        ("ipFamilies: [IPv6]", #"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#),
        (
            "clusterIP: 'fd00:10:96::7'",
            #"spec.clusterIPs[0]: Invalid value: ["fd00:10:96::7"]: IPv6 is not configured on this cluster"#
        ),
        (
            "ipFamilies: [IPv4, IPv6]",
            #"spec.ipFamilyPolicy: Invalid value: "SingleStack": must be RequireDualStack or PreferDualStack when multiple 'ipFamilies' are specified"#
        ),
    ])
    func `a server of one family says what it hasn't got`(_ spec: String, _ message: String) async throws {
        try await withRegistry { fixture in
            let error = await refusal { try await fixture.create(service("web", spec)) }
            #expect(error?.message == "Service \"web\" is invalid: \(message)")
        }
    }

    @Test func `who prefers both gets what there is`() async throws {
        try await withRegistry { fixture in
            let tree = try await fixture.create(service("web", "ipFamilyPolicy: PreferDualStack"))
            #expect(families(tree) == ["IPv4"] && addresses(tree).count == 1)
            #expect(tree[path: "spec", "ipFamilyPolicy"] == "PreferDualStack")
        }
    }

    @Test func `without a selector a headless service is of both families, whatever the server has`() async throws {
        for isDualStack in [false, true] {
            try await withRegistry(isDualStack: isDualStack) { fixture in
                let tree = try await fixture.create(
                    "{apiVersion: v1, kind: Service, metadata: {name: bare}, spec: {clusterIP: None, ports: [{port: 80}]}}")
                #expect(families(tree) == ["IPv4", "IPv6"] && tree[path: "spec", "ipFamilyPolicy"] == "RequireDualStack")
            }
        }
    }

    @Test func `a second family comes and goes with the policy`() async throws {
        try await withRegistry(isDualStack: true) { fixture in
            let services = try fixture.resource("services")
            var tree = try await fixture.create(service("web", ""))
            let first = addresses(tree)
            func update(_ change: (inout JSON) -> Void) async throws -> JSON {
                var changed = tree
                change(&changed)
                return try await fixture.registry.update(changed, services, namespace: "default", name: "web", fixture.admin)
                    .answer.tree
            }
            tree = try await update { $0[path: "spec", "ipFamilyPolicy"] = "RequireDualStack" }
            #expect(families(tree) == ["IPv4", "IPv6"] && addresses(tree).count == 2 && addresses(tree).first == first.first)
            let second = addresses(tree)[1]
            #expect(fixture.cluster.snapshot.get(ServiceAllocation.addressKey(second)) != nil)
            let reduced = await refusal { try await update { $0[path: "spec", "ipFamilies"] = ["IPv4"] } }
            #expect(reduced?.message.contains("must be 'SingleStack' to release the secondary IP family") == true)
            let other = await refusal { try await update { $0[path: "spec", "ipFamilies"] = ["IPv6", "IPv4"] } }
            #expect(other?.code == 422)
            // A client that says nothing of it changes nothing.
            tree = try await update { for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] { $0[path: "spec", key] = nil } }
            #expect(addresses(tree) == [first[0], second] && families(tree) == ["IPv4", "IPv6"])
            tree = try await update { $0[path: "spec", "ipFamilyPolicy"] = "SingleStack" }
            #expect(families(tree) == ["IPv4"] && addresses(tree) == first)
            #expect(fixture.cluster.snapshot.get(ServiceAllocation.addressKey(second)) == nil)
            tree = try await update {
                $0["spec"] = ["type": "ExternalName", "externalName": "www.example.org"]
            }
            #expect(tree[path: "spec", "clusterIPs"] == nil)
            #expect(fixture.cluster.snapshot.get(ServiceAllocation.addressKey(first[0])) == nil)
            tree = try await update {
                $0["spec"] = ["type": "ClusterIP", "ports": [["port": 80]], "ipFamilyPolicy": "PreferDualStack"]
            }
            #expect(families(tree) == ["IPv4", "IPv6"] && addresses(tree).count == 2)
        }
    }

    @Test func `an address that is written otherwise is the same`() async throws {
        try await withRegistry(isDualStack: true) { fixture in
            try await fixture.create(service("a", "clusterIP: 'fd00:10:96::99'"))
            let error = await refusal { try await fixture.create(service("b", "clusterIP: 'fd00:10:96:0::0099'")) }
            #expect(error?.message.contains("provided IP is already allocated") == true)
            let outside = await refusal { try await fixture.create(service("c", "clusterIP: 'fd00:10:97::1'")) }
            #expect(outside?.message.contains("The range of valid IPs is fd00:10:96::/112") == true)
        }
    }
}
