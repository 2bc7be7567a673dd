import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeControllers

@Suite(.serialized) struct SetTests {
    func workload(_ kind: String, _ name: String, image: String = "a:1", _ spec: JSON = [:]) -> JSON {
        var tree: JSON = [
            "apiVersion": "apps/v1", "kind": .string(kind), "metadata": ["name": .string(name)],
            "spec": [
                "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": ["containers": [["name": "a", "image": .string(image)]]],
                ],
            ],
        ]
        for (key, value) in spec.object ?? [:] { tree[path: "spec", key] = value }
        return tree
    }

    @Test func aStatefulSetComesUpInOrderRollsAndGoesBack() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                workload("StatefulSet", "db", ["replicas": 3, "serviceName": "db"]), Resources.statefulSets)
            func isDone(_ image: String) -> Bool {
                let pods = cluster.list(Resources.pods)
                let status = cluster.get(Resources.statefulSets, "db")?.tree["status"]
                return pods.count == 3 && status?["readyReplicas"] == 3 && status?["updatedReplicas"] == 3
                    && status?["currentRevision"] == status?["updateRevision"]
                    && pods.allSatisfy { $0.tree[path: "spec", "containers"]?[0]?["image"]?.string == image }
            }
            try await eventually { isDone("a:1") }
            #expect(cluster.list(Resources.pods).map(\.metadata.name) == ["db-0", "db-1", "db-2"])
            try await cluster.change(Resources.statefulSets, "db") {
                $0[path: "spec", "template", "spec", "containers"]?[0]?["image"] = "a:2"
            }
            try await eventually { isDone("a:2") }
            let revisions = cluster.list(Resources.controllerRevisions)
            #expect(revisions.map(RevisionHistory.number).sorted() == [1, 2])
            try await cluster.change(Resources.statefulSets, "db") {
                $0[path: "spec", "template", "spec", "containers"]?[0]?["image"] = "a:1"
            }
            try await eventually { isDone("a:1") }
            #expect(cluster.list(Resources.controllerRevisions).map(RevisionHistory.number).sorted() == [2, 3])
            try await cluster.delete(Resources.statefulSets, "db", policy: .foreground)
            try await eventually { cluster.list(Resources.pods).isEmpty && cluster.list(Resources.controllerRevisions).isEmpty }
        }
    }

    @Test func aDaemonSetRunsOnTheNodeAndRolls() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(workload("DaemonSet", "agent"), Resources.daemonSets)
            func isDone(_ image: String) -> Bool {
                let status = cluster.get(Resources.daemonSets, "agent")?.tree["status"]
                let pods = cluster.list(Resources.pods)
                return status?["numberReady"] == 1 && status?["updatedNumberScheduled"] == 1
                    && status?["desiredNumberScheduled"] == 1
                    && pods.count == 1 && pods[0].tree[path: "spec", "containers"]?[0]?["image"]?.string == image
            }
            try await eventually { isDone("a:1") }
            try await cluster.change(Resources.daemonSets, "agent") {
                $0[path: "spec", "template", "spec", "containers"]?[0]?["image"] = "a:2"
            }
            try await eventually { isDone("a:2") }
        }
    }

    @Test func aReplicationControllerKeepsItsNumber() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "ReplicationController", "metadata": ["name": "old"],
                    "spec": [
                        "replicas": 2, "selector": ["app": "old"],
                        "template": [
                            "metadata": ["labels": ["app": "old"]], "spec": ["containers": [["name": "a", "image": "a"]]],
                        ],
                    ],
                ], Resources.replicationControllers)
            try await eventually {
                cluster.get(Resources.replicationControllers, "old")?.tree[path: "status", "readyReplicas"] == 2
            }
        }
    }

    @Test func aQuotaSaysWhatIsUsedAndABudgetWhatMayGo() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"],
                    "spec": ["hard": ["pods": "10", "services": "5"]],
                ],
                Resources.resourceQuotas)
            try await cluster.create(
                [
                    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "b"],
                    "spec": ["minAvailable": 2, "selector": ["matchLabels": ["app": "web"]]],
                ], Resources.podDisruptionBudgets)
            try await cluster.create(cluster.deployment(replicas: 3), Resources.deployments)
            try await eventually {
                cluster.get(Resources.resourceQuotas, "q")?.tree[path: "status", "used"] == ["pods": "3", "services": "1"]
                    && cluster.get(Resources.podDisruptionBudgets, "b")?.tree[path: "status", "disruptionsAllowed"] == 1
            }
            try await cluster.delete(Resources.deployments, "web", policy: .background)
            try await eventually {
                cluster.get(Resources.resourceQuotas, "q")?.tree[path: "status", "used", "pods"] == "0"
                    && cluster.get(Resources.podDisruptionBudgets, "b")?.tree[path: "status", "disruptionsAllowed"] == 0
            }
        }
    }

    @Test func handWrittenEndpointsAreMirrored() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "ext"], "spec": ["ports": [["port": 80]]]],
                Resources.services)
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "ext"],
                    "subsets": [["addresses": [["ip": "10.9.0.1"]], "ports": [["port": 80]]]],
                ], Resources.endpoints)
            func mirrored() -> [Object] {
                cluster.list(Resources.endpointSlices).filter { $0.metadata.labels["kubernetes.io/service-name"] == "ext" }
            }
            try await eventually { mirrored().first?.tree["endpoints"]?[0]?["addresses"] == ["10.9.0.1"] }
            try await cluster.delete(Resources.endpoints, "ext")
            try await eventually { mirrored().isEmpty }
        }
    }

    @Test func clustersDontMeet() async throws {
        try await Fixture.run { cluster in
            let other = try await cluster.registry.createCluster("other", record: [:], certificateAuthority: "CA2")
            for target in [cluster.cluster, other] {
                _ = try await cluster.registry.create(
                    cluster.deployment(replicas: 2), Resources.deployments, namespace: "default", CreateOptions(),
                    RequestContext(cluster: target, user: .server))
            }
            try await eventually { cluster.isRolledOut(replicas: 2) }
            try await eventually {
                other.snapshot.count(prefix: "core/pods/") == 2 && other.snapshot.count(prefix: "core/nodes/") == 1
            }
            try await cluster.store.deleteCluster("other")
            try await cluster.delete(Resources.deployments, "web", policy: .background)
            try await eventually { cluster.list(Resources.pods).isEmpty }
        }
    }
}
