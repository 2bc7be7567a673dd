import KubeObject
import KubeSchema
import KubeStore
import Synchronization
import Testing

@testable import KubeRegistry

struct NodeSignsTests {
    private final class Clock: Sendable {
        private let time = Mutex(1_700_000_000.0)
        var now: Double { time.withLock { $0 } }
        func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
    }

    private func withLeases(_ body: (Fixture, NodeSigns, Clock) async throws -> Void) async throws {
        try await withRegistry { fixture in
            let clock = Clock()
            for name in ["box", "box-2", "far"] {
                try await fixture.create("{apiVersion: v1, kind: Node, metadata: {name: \(name)}}")
            }
            try await body(
                fixture, NodeSigns(registry: fixture.registry, nodes: MachineNodes(first: "box"), clock: { clock.now }), clock)
        }
    }

    private func lease(_ fixture: Fixture, _ name: String) throws -> JSON {
        try fixture.get("leases", name, group: "coordination.k8s.io", namespace: "kube-node-lease")
    }

    private func count(_ fixture: Fixture) -> Int {
        fixture.cluster.snapshot.count(prefix: Key.prefix(group: "coordination.k8s.io", plural: "leases"))
    }

    @Test func ownNodesGetWhatTheirKubeletsWouldWrite() async throws {
        try await withLeases { fixture, leases, _ in
            await leases.give(.lease, in: fixture.cluster)
            #expect(count(fixture) == 2)
            let found = try lease(fixture, "box-2")
            let uid = try fixture.get("nodes", "box-2", namespace: "")[path: "metadata", "uid"]?.string ?? ""
            #expect(
                found["spec"] == [
                    "holderIdentity": "box-2", "leaseDurationSeconds": 40, "renewTime": "2023-11-14T22:13:20.000000Z",
                ])
            #expect(
                found[path: "metadata", "ownerReferences"] == [
                    ["apiVersion": "v1", "kind": "Node", "name": "box-2", "uid": .string(uid)]
                ])
            #expect(found[path: "metadata", "managedFields"]?.elements.first?["manager"] == "kubelet")
        }
    }

    @Test func aLeaseIsWrittenOnceInTenSecondsWhoeverLooks() async throws {
        try await withLeases { fixture, leases, clock in
            await leases.give(.lease, in: fixture.cluster, name: "box")
            #expect(count(fixture) == 1)
            let revision = fixture.cluster.snapshot.revision
            clock.advance(9)
            for _ in 0..<3 { await leases.give(.lease, in: fixture.cluster, name: "box") }
            #expect(fixture.cluster.snapshot.revision == revision)
            clock.advance(1)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { await leases.give(.lease, in: fixture.cluster, name: "box") } }
            }
            #expect(fixture.cluster.snapshot.revision == revision + 1)
            let renewed = try lease(fixture, "box")
            #expect(renewed[path: "spec", "renewTime"] == "2023-11-14T22:13:30.000000Z")
        }
    }

    @Test func aDeletedOneComesBackButNotMoreOften() async throws {
        try await withLeases { fixture, leases, clock in
            await leases.give(.lease, in: fixture.cluster)
            let resource = try fixture.resource("leases", "coordination.k8s.io")
            try await fixture.registry.delete(
                resource, namespace: "kube-node-lease", name: "box", DeleteOptions(), fixture.admin)
            clock.advance(5)
            await leases.give(.lease, in: fixture.cluster)
            #expect(count(fixture) == 1)
            clock.advance(5)
            await leases.give(.lease, in: fixture.cluster)
            #expect(count(fixture) == 2)
        }
    }

    @Test func whatSomebodyChangesStaysButForItsTimeAndItsOwner() async throws {
        try await withLeases { fixture, leases, clock in
            await leases.give(.lease, in: fixture.cluster)
            let resource = try fixture.resource("leases", "coordination.k8s.io")
            try await fixture.registry.mutate(resource, namespace: "kube-node-lease", name: "box", fixture.admin) {
                $0[path: "spec", "holderIdentity"] = "me"
                $0[path: "spec", "renewTime"] = "2099-01-01T00:00:00.000000Z"
                $0[path: "metadata", "ownerReferences"] = nil
            }
            clock.advance(10)
            await leases.give(.lease, in: fixture.cluster)
            let found = try lease(fixture, "box")
            #expect(found[path: "spec", "holderIdentity"] == "me")
            #expect(found[path: "spec", "renewTime"] == "2023-11-14T22:13:30.000000Z")
            #expect(found[path: "metadata", "ownerReferences"]?.elements.count == 1)
        }
    }

    @Test func whereItCantBeWrittenNothingHappens() async throws {
        try await withLeases { fixture, leases, _ in
            await leases.give(.lease, in: fixture.cluster, name: "far")
            await leases.give(.lease, in: fixture.cluster, name: "box-3")
            #expect(count(fixture) == 0)
            let namespaces = try fixture.resource("namespaces")
            try await fixture.registry.delete(namespaces, namespace: "", name: "kube-node-lease", DeleteOptions(), fixture.admin)
            await leases.give(.lease, in: fixture.cluster)
            #expect(count(fixture) == 0)
        }
    }

    @Test(arguments: [
        ("leases", "", "", true), ("leases", "kube-node-lease", "", true), ("leases", "kube-node-lease", "box-2", true),
        ("leases", "kube-node-lease", "far", false), ("leases", "kube-system", "", false), ("leasecandidates", "", "", false),
    ])
    func onlyWhatShowsThemIsALook(_ plural: String, _ namespace: String, _ name: String, _ isLook: Bool) async throws {
        try await withLeases { fixture, leases, _ in
            guard let resource = fixture.registry.schema.resource(GroupResource(group: "coordination.k8s.io", resource: plural))
            else { return }
            #expect((leases.sign(shownBy: resource, namespace: namespace, name: name) == .lease) == isLook)
        }
    }

    @Test func conditionsHaveHeartbeatsEveryFiveMinutes() async throws {
        try await withLeases { fixture, signs, clock in
            let nodes = try fixture.resource("nodes")
            #expect(signs.sign(shownBy: nodes, namespace: "", name: "") == .heartbeat)
            #expect(signs.sign(shownBy: nodes, namespace: "", name: "far") == nil)
            let old: JSON = .string(Timestamp.format(clock.now - 299))
            try await fixture.registry.mutate(nodes, namespace: "", name: "box", subresource: "status", fixture.admin) {
                $0[path: "status", "conditions"] = .array(
                    ["Ready", "MemoryPressure", "NetworkUnavailable"].map {
                        ["type": .string($0), "status": "True", "lastHeartbeatTime": old, "lastTransitionTime": old]
                    })
            }
            func times(_ field: String) throws -> [JSON?] {
                try fixture.get("nodes", "box", namespace: "")[path: "status", "conditions"]?.elements.map { $0[field] } ?? []
            }
            await signs.give(.heartbeat, in: fixture.cluster)
            let before = try times("lastHeartbeatTime")
            #expect(before == [old, old, old])
            clock.advance(1)
            let now: JSON = .string(Timestamp.format(clock.now))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { await signs.give(.heartbeat, in: fixture.cluster) } }
            }
            // What others tell of is theirs.
            let beats = try times("lastHeartbeatTime")
            #expect(beats == [now, now, old])
            let transitions = try times("lastTransitionTime")
            #expect(transitions == [old, old, old])
            let revision = fixture.cluster.snapshot.revision
            clock.advance(299)
            await signs.give(.heartbeat, in: fixture.cluster)
            #expect(fixture.cluster.snapshot.revision == revision)
        }
    }
}
