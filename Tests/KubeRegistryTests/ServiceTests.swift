import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct ServiceTests {
    private func service(_ name: String, _ spec: String = "ports: [{port: 80}]") -> String {
        "{apiVersion: v1, kind: Service, metadata: {name: \(name)}, spec: {\(spec)}}"
    }

    @Test func servicesMadeAtOnceGetAddressesOfTheirOwn() async throws {
        try await withRegistry { fixture in
            let addresses = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<40 {
                    group.addTask { try await fixture.create(service("s\(index)"))["spec"]?.text("clusterIP") ?? "" }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(addresses.count == 40)
            let snapshot = fixture.cluster.snapshot
            #expect(addresses.allSatisfy { ServiceRange.four.contains($0, in: snapshot) })
        }
    }

    @Test func aRangeThatIsAddedCountsFromWhenItIsReady() async throws {
        try await withRegistry { fixture in
            let asked = "clusterIP: 192.168.77.5, ports: [{port: 80}]"
            try await fixture.create(
                "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: more}, spec: {cidrs: [192.168.77.0/28]}}")
            let early = await refusal { try await fixture.create(service("a", asked)) }
            #expect(early?.message.contains("not in the valid range") == true)
            let ranges = try fixture.resource("servicecidrs", "networking.k8s.io")
            try await fixture.registry.mutate(ranges, namespace: "", name: "more", subresource: "status", fixture.admin) { tree in
                tree[path: "status", "conditions"] = [
                    [
                        "type": "Ready", "status": "True", "reason": "", "message": "",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    ]
                ]
            }
            try await fixture.create(service("a", asked))
            for edge in ["192.168.77.0", "192.168.77.15"] {
                let outside = await refusal { try await fixture.create(service("b", "clusterIP: \(edge), ports: [{port: 80}]")) }
                #expect(outside?.message.contains("not in the valid range") == true)
            }
        }
    }

    @Test func defaultsAreUpstreams() async throws {
        try await withRegistry { fixture in
            let spec = try #require(try await fixture.create(service("web", "selector: {a: b}, ports: [{port: 80}]"))["spec"])
            #expect(spec["clusterIPs"] == [spec["clusterIP"] ?? ""])
            #expect(spec["ports"] == [["port": 80, "protocol": "TCP", "targetPort": 80]])
            #expect(spec["type"] == "ClusterIP")
            #expect(spec["sessionAffinity"] == "None")
            #expect(spec["ipFamilies"] == ["IPv4"])
            #expect(spec["ipFamilyPolicy"] == "SingleStack")
            #expect(spec["internalTrafficPolicy"] == "Cluster")
        }
    }

    @Test func anAddressIsFreeAgainWhenItsServiceIsGone() async throws {
        try await withRegistry { fixture in
            let asked = "clusterIP: 10.96.0.77, ports: [{port: 80}]"
            try await fixture.create(service("a", asked))
            let error = await refusal { try await fixture.create(service("b", asked)) }
            #expect(
                error?.message
                    == "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.77\"]: failed to allocate IP 10.96.0.77: provided IP is already allocated"
            )
            let services = try fixture.resource("services")
            try await fixture.registry.delete(services, namespace: "default", name: "a", fixture.admin)
            try await fixture.create(service("b", asked))
            let outside = await refusal { try await fixture.create(service("c", "clusterIP: 10.0.0.1, ports: [{port: 80}]")) }
            #expect(outside?.message.contains("not in the valid range") == true)
        }
    }

    @Test func nodePortsComeAndGoWithTheType() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(service("web", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"))
            #expect(tree[path: "spec", "externalTrafficPolicy"] == "Cluster")
            let taken = await refusal {
                try await fixture.create(service("other", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"))
            }
            #expect(
                taken?.message
                    == "Service \"other\" is invalid: spec.ports[0].nodePort: Invalid value: 30123: provided port is already allocated"
            )
            tree[path: "spec", "type"] = "ClusterIP"
            let services = try fixture.resource("services")
            let updated = try await fixture.registry.update(
                tree, services, namespace: "default", name: "web", fixture.admin
            ).answer.tree
            #expect(updated["spec"]?["ports"]?[0]?["nodePort"] == nil)
            #expect(updated[path: "spec", "clusterIP"] == tree[path: "spec", "clusterIP"])
            try await fixture.create(service("other", "type: NodePort, ports: [{port: 80, nodePort: 30123}]"))
        }
    }

    @Test func loadBalancersWithLocalTrafficHaveAPortForHealthChecks() async throws {
        try await withRegistry { fixture in
            let local = "type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]"
            var tree = try await fixture.create(service("web", local))
            let port = try #require(tree[path: "spec", "healthCheckNodePort"]?.int)
            #expect(ServiceRange.nodePorts.contains(port) && tree["spec"]?["ports"]?[0]?["nodePort"]?.int != port)
            let other = try await fixture.create(service("asked", "\(local), healthCheckNodePort: 30222"))
            #expect(other[path: "spec", "healthCheckNodePort"] == 30222)
            for (given, why) in [
                ("30222", "provided port is already allocated"),
                ("80", "provided port is not in the valid range. The range of valid ports is 30000-32767"),
            ] {
                let refused = await refusal { try await fixture.create(service("b", "\(local), healthCheckNodePort: \(given)")) }
                #expect(
                    refused?.message
                        == "Internal error occurred: failed to allocate requested HealthCheck NodePort \(given): \(why)")
            }
            let services = try fixture.resource("services")
            func update(_ change: (inout JSON) -> Void) async throws -> JSON {
                var changed = tree
                change(&changed)
                return try await fixture.registry.update(changed, services, namespace: "default", name: "web", fixture.admin)
                    .answer.tree
            }
            // Who leaves it out keeps it; nobody changes it; with the policy it goes, and is free for others.
            tree = try await update { $0[path: "spec", "healthCheckNodePort"] = nil }
            #expect(tree[path: "spec", "healthCheckNodePort"]?.int == port)
            let changed = await refusal { try await update { $0[path: "spec", "healthCheckNodePort"] = 30333 } }
            #expect(changed?.message == "Service \"web\" is invalid: spec.healthCheckNodePort: Forbidden: field is immutable")
            tree = try await update { $0[path: "spec", "externalTrafficPolicy"] = "Cluster" }
            #expect(tree[path: "spec", "healthCheckNodePort"] == nil)
            let next = try await fixture.create(service("next", "\(local), healthCheckNodePort: \(port)"))
            #expect(next[path: "spec", "healthCheckNodePort"]?.int == port)
        }
    }

    @Test func theAddressNeverChanges() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(service("web"))
            tree[path: "spec", "clusterIP"] = "10.96.0.99"
            tree[path: "spec", "clusterIPs"] = ["10.96.0.99"]
            let error = await refusal {
                try await fixture.registry.update(
                    tree, try fixture.resource("services"), namespace: "default", name: "web", fixture.admin)
            }
            #expect(error?.message.hasSuffix("may not change once set") == true)
        }
    }

    @Test func headlessAndExternalServicesHaveNoAddress() async throws {
        try await withRegistry { fixture in
            let headless = try await fixture.create(service("h", "clusterIP: None, selector: {a: b}"))
            #expect(headless[path: "spec", "clusterIPs"] == ["None"])
            let external = try await fixture.create(service("e", "type: ExternalName, externalName: example.com"))
            #expect(external[path: "spec", "clusterIP"] == nil)
        }
    }
}
