import KubeObject
import KubeStore
import Testing

@testable import KubeControllers
@testable import KubeRegistry

struct NodeLifecycleReconcilerTests {
    private func taints(_ cluster: Fixture, _ name: String) -> [String] {
        (cluster.get(Resources.nodes, name, namespace: "")?.tree[path: "spec", "taints"]?.elements ?? []).map {
            "\($0["key"]?.string ?? ""):\($0["effect"]?.string ?? "")"
        }
    }

    @Test func aCordonedNodeIsTainted() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "far"]], Resources.nodes, namespace: "")
            // The taint that it came with is taken off.
            try await eventually { taints(cluster, "far").isEmpty }
            try await cluster.change(Resources.nodes, "far", namespace: "") { $0[path: "spec", "unschedulable"] = true }
            try await eventually { taints(cluster, "far") == ["node.kubernetes.io/unschedulable:NoSchedule"] }
            try await cluster.change(Resources.nodes, "far", namespace: "") { $0[path: "spec", "unschedulable"] = nil }
            try await eventually { taints(cluster, "far").isEmpty }
        }
    }

    @Test func aNodeThatNobodyTellsOfIsUnreachable() async throws {
        try await Fixture.run(controllers: false) { cluster in
            let reconciler = NodeLifecycleReconciler(ownNodes: MachineNodes(first: "own"))
            let writer = RegistryWriter(cluster.registry)
            let recorder = EventRecorder(writer: writer, clock: .system, logger: Fixture.logger)
            func look(_ name: String, at now: Double) async throws -> Double? {
                let key = QueueKey(
                    cluster: ClusterReference(id: cluster.cluster.id, name: cluster.cluster.name), namespace: "", name: name)
                let work = Work(
                    key: key, cluster: cluster.cluster, now: now, controller: reconciler.name, writer: writer, recorder: recorder)
                return try await reconciler.reconcile(work).after.map { $0 / .seconds(1) }
            }
            func ready(_ heartbeat: String) -> JSON {
                [["type": "Ready", "status": "True", "lastHeartbeatTime": .string(heartbeat)]]
            }
            for name in ["own", "far", "silent"] {
                try await cluster.create(
                    ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)]], Resources.nodes, namespace: "")
            }
            for name in ["own", "far"] {
                try await cluster.change(Resources.nodes, name, namespace: "", subresource: "status") {
                    $0[path: "status", "conditions"] = ready("2026-01-01T00:00:00Z")
                }
            }
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
                    "spec": ["nodeName": "far", "containers": [["name": "a", "image": "a"]]],
                ], Resources.pods)
            try await cluster.change(Resources.pods, "p", subresource: "status") {
                $0[path: "status", "conditions"] = [["type": "Ready", "status": "True"]]
            }
            #expect(try await look("own", at: 1000) == nil)
            #expect(try await look("far", at: 1000) == 50)
            #expect(try await look("silent", at: 1000) == 60)
            #expect(try await look("far", at: 1049) == 1)
            // A lease is a sign, too.
            try await cluster.create(
                [
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "far"],
                    "spec": ["renewTime": "2026-01-01T00:00:40.000000Z"],
                ], Resources.leases, namespace: "kube-node-lease")
            #expect(try await look("far", at: 1050) == 50)
            #expect(try await look("silent", at: 1060) == nil)
            #expect(taints(cluster, "far").isEmpty)
            #expect(try await look("far", at: 1100) == nil)
            for name in ["far", "silent"] {
                let keys = ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]
                #expect(taints(cluster, name) == keys)
            }
            let pod = cluster.get(Resources.pods, "p")
            #expect(Condition.find("Ready", in: pod?.tree["status"])?.status == .false)
            // It is back.
            try await cluster.change(Resources.nodes, "far", namespace: "", subresource: "status") {
                $0[path: "status", "conditions"] = ready("2026-01-01T00:02:00Z")
            }
            #expect(try await look("far", at: 1101) == 50)
            #expect(taints(cluster, "far").isEmpty)
            #expect(try await look("own", at: 5000) == nil)
            #expect(taints(cluster, "own").isEmpty)
        }
    }

    @Test func whatBecomesOfOthersIsLookedAtAgainWhenANodeChanges() async throws {
        try await Fixture.run { cluster in
            // All are lost, so the fault is taken to be elsewhere: nobody is made to leave.
            for name in ["a", "b"] {
                try await cluster.create(
                    [
                        "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
                        "status": ["conditions": [["type": "Ready", "status": "False"]]],
                    ], Resources.nodes, namespace: "")
            }
            let lost = ["node.kubernetes.io/not-ready:NoSchedule"]
            try await eventually { taints(cluster, "a") == lost && taints(cluster, "b") == lost }
            try await cluster.change(Resources.nodes, "b", namespace: "", subresource: "status") {
                $0[path: "status", "conditions"] = [["type": "Ready", "status": "True"]]
            }
            try await eventually { taints(cluster, "a") == lost + ["node.kubernetes.io/not-ready:NoExecute"] }
            #expect(taints(cluster, "b").isEmpty)
        }
    }
}
