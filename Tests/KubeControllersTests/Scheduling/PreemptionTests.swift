import KubeObject
import KubeSchema
import Testing

@testable import KubeControllers

@Suite struct PreemptionTests {
    private func pod(_ name: String, priorityClass: String, finalizers: JSON = []) -> JSON {
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "finalizers": finalizers],
            "spec": [
                "priorityClassName": .string(priorityClass),
                "containers": [["name": "a", "image": "a", "resources": ["requests": ["cpu": "6"]]]],
            ],
        ]
    }

    @Test func aPodForWhichRoomIsMadeSaysWhere() async throws {
        try await Fixture.run { cluster in
            let classes = try #require(
                Schema.builtin.resource(group: "scheduling.k8s.io", version: "v1", plural: "priorityclasses"))
            for (name, value) in [("low", Int64(1)), ("high", 1000)] {
                try await cluster.create(
                    [
                        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": .string(name)],
                        "value": .int(value),
                    ], classes, namespace: "")
            }
            try await cluster.create(pod("victim", priorityClass: "low", finalizers: ["example.com/wait"]), Resources.pods)
            try await eventually { cluster.get(Resources.pods, "victim").map { PodState($0).isReady } ?? false }
            try await cluster.create(pod("winner", priorityClass: "high"), Resources.pods)
            func nominated() -> String? {
                cluster.get(Resources.pods, "winner")?.tree[path: "status", "nominatedNodeName"]?.string
            }
            try await eventually { nominated() == "node-1" }
            try await eventually { cluster.get(Resources.pods, "victim")?.metadata.deletionTimestamp != nil }
            try await cluster.change(Resources.pods, "victim") { $0[path: "metadata", "finalizers"] = [] }
            try await eventually { cluster.get(Resources.pods, "winner").map { PodState($0).nodeName } == "node-1" }
            #expect(nominated() == nil)
        }
    }
}
