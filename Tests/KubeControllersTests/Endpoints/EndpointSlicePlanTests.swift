import KubeObject
import Testing

@testable import KubeControllers

@Suite struct EndpointSlicePlanTests {
    func service(_ change: (inout JSON) -> Void = { _ in }) throws -> ServiceView {
        var tree: JSON = [
            "apiVersion": "v1", "kind": "Service",
            "metadata": ["name": "web", "namespace": "default", "uid": "s", "labels": ["team": "a"]],
            "spec": [
                "selector": ["app": "web"], "clusterIP": "10.96.0.20",
                "ports": [["name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"]],
            ],
        ]
        change(&tree)
        return ServiceView(try Samples.object(tree))
    }

    func pod(_ index: Int, port: Int64 = 8080, ready: Bool = true, _ change: (inout JSON) -> Void = { _ in }) throws
        -> EndpointPod
    {
        EndpointPod(
            try Samples.pod("p\(index)", readyFor: ready ? 60 : nil) {
                $0[path: "status", "podIP"] = .string("10.244.\(index / 250).\(index % 250)")
                $0[path: "spec", "containers"] = [["name": "web", "ports": [["name": "web", "containerPort": .int(port)]]]]
                change(&$0)
            })
    }

    func plan(_ service: ServiceView, _ pods: [EndpointPod], _ existing: [Object] = []) -> EndpointSlicePlan {
        EndpointSlicePlan(service, pods: pods, existing: existing, zones: ["node-1": "z1"], now: Samples.now)
    }

    /// The slices as they are after a plan.
    func apply(_ plan: EndpointSlicePlan, to slices: [Object]) throws -> [Object] {
        var result = try slices.filter { !plan.delete.contains($0.metadata.name) }.map { slice in
            try plan.update[slice.metadata.name].map(Samples.object) ?? slice
        }
        for tree in plan.create {
            var tree = tree
            let number = result.count
            tree[path: "metadata", "name"] = .string("web-\(number)-\(tree.encoded().count)")
            tree[path: "metadata", "uid"] = .string("slice-\(number)-\(tree.encoded().count)")
            result.append(try Samples.object(tree))
        }
        return result
    }

    @Test func anEmptySliceIsKnownAgainHoweverItsLackOfPortsIsStored() throws {
        let service = try service()
        for ports in [JSON.null, .array([]), nil] as [JSON?] {
            let stored = try apply(plan(service, []), to: []).map { slice in
                var tree = slice.tree
                tree["ports"] = ports
                return try Samples.object(tree)
            }
            #expect(stored.count == 1)
            let again = plan(service, [], stored)
            #expect(again.create.isEmpty && again.update.isEmpty && again.delete.isEmpty, "ports: \(String(describing: ports))")
        }
    }

    @Test func endpointsSayHowTheirPodsAre() throws {
        let pods = try [
            pod(1), pod(2, ready: false),
            pod(3) { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) },
            pod(4) { $0[path: "status", "phase"] = "Succeeded" },
            pod(5) { $0[path: "status", "podIP"] = nil },
        ]
        let slice = try #require(plan(service(), pods).create.first)
        #expect(slice["ports"] == [["name": "http", "port": 8080, "protocol": "TCP"]])
        #expect(slice["addressType"] == "IPv4")
        #expect(
            slice[path: "metadata", "labels"] == [
                "team": "a", "kubernetes.io/service-name": "web",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            ])
        let conditions = (slice["endpoints"]?.elements ?? []).map { $0["conditions"] ?? .null }
        #expect(
            conditions == [
                ["ready": true, "serving": true, "terminating": false],
                ["ready": false, "serving": false, "terminating": false],
                ["ready": false, "serving": true, "terminating": true],
            ])
        #expect(slice["endpoints"]?[0]?["zone"] == "z1")
        #expect(slice["endpoints"]?[0]?["nodeName"] == "node-1")
        #expect(slice["endpoints"]?[0]?[path: "targetRef", "name"] == "p1")
    }

    @Test func notReadyAddressesCanBePublished() throws {
        let service = try service { $0[path: "spec", "publishNotReadyAddresses"] = true }
        let slice = try #require(plan(service, [pod(1, ready: false)]).create.first)
        #expect(slice["endpoints"]?[0]?["conditions"] == ["ready": true, "serving": false, "terminating": false])
    }

    @Test func aServiceWithoutPodsHasOneEmptySlice() throws {
        let service = try service()
        let slices = try apply(plan(service, []), to: [])
        #expect(slices.count == 1)
        #expect(slices[0].tree["endpoints"] == [])
        #expect(plan(service, [], slices) == EndpointSlicePlan(service, pods: [], existing: slices, zones: [:], now: 0))
        #expect(plan(service, [], slices).update.isEmpty)
    }

    @Test func slicesHoldAHundredAndOnlyChangedOnesAreWritten() throws {
        let service = try service()
        let pods = try (0..<250).map { try pod($0) }
        var slices = try apply(plan(service, pods), to: [])
        #expect(slices.map { $0.tree["endpoints"]?.elements.count ?? 0 } == [100, 100, 50])
        #expect(plan(service, pods, slices) == plan(service, pods, slices))
        let untouched = plan(service, pods, slices)
        #expect(untouched.create.isEmpty && untouched.update.isEmpty && untouched.delete.isEmpty)

        let more = plan(service, pods + [try pod(250)], slices)
        #expect(more.create.isEmpty && more.delete.isEmpty)
        #expect(more.update.count == 1)
        slices = try apply(more, to: slices)
        let fewer = plan(service, Array(pods.prefix(10)), slices)
        #expect(try apply(fewer, to: slices).reduce(0) { $0 + ($1.tree["endpoints"]?.elements.count ?? 0) } == 10)
    }

    @Test func otherNumbersOfANamedPortGetTheirOwnSlice() throws {
        let result = try plan(service(), [pod(1), pod(2, port: 9090)])
        #expect(Set(result.create.map { $0["ports"]?[0]?["port"] ?? .null }) == [8080, 9090])
    }

    @Test func withoutASelectorNothingIsKept() throws {
        let slices = try apply(plan(service(), [pod(1)]), to: [])
        let external = try service { $0[path: "spec", "type"] = "ExternalName" }
        #expect(plan(external, [], slices).delete == slices.map(\.metadata.name))
        #expect(try plan(service { $0[path: "spec", "selector"] = nil }, []).create.isEmpty)
    }

    @Test func headlessPodsHaveNames() throws {
        let service = try service { $0[path: "spec", "clusterIP"] = "None" }
        let slice = try #require(
            plan(
                service,
                [
                    pod(1) {
                        $0[path: "spec", "hostname"] = "db-0"
                        $0[path: "spec", "subdomain"] = "web"
                    }
                ]
            ).create.first)
        #expect(slice["endpoints"]?[0]?["hostname"] == "db-0")
        #expect(slice[path: "metadata", "labels", "service.kubernetes.io/headless"] == "")
    }

    @Test func endpointsGroupAddressesByPorts() throws {
        let pods = try [pod(1), pod(2, ready: false), pod(3, port: 9090)]
        guard case .create(let tree) = try EndpointsPlan.decide(service(), pods: pods, existing: nil, now: Samples.now) else {
            Issue.record("nothing created")
            return
        }
        #expect(tree["subsets"]?.elements.count == 2)
        #expect(tree["subsets"]?[0]?["addresses"]?[0]?["ip"] == "10.244.0.1")
        #expect(tree["subsets"]?[0]?["notReadyAddresses"]?[0]?["ip"] == "10.244.0.2")
        #expect(tree["subsets"]?[0]?["ports"] == [["name": "http", "port": 8080, "protocol": "TCP"]])
        let existing = try Samples.object(tree)
        #expect(try EndpointsPlan.decide(service(), pods: pods, existing: existing, now: Samples.now + 9) == .none)
        guard case .update(let changed) = try EndpointsPlan.decide(service(), pods: [], existing: existing, now: Samples.now)
        else {
            Issue.record("not updated")
            return
        }
        #expect(changed["subsets"] == nil)
    }
}
