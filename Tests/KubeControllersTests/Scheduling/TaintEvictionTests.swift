import KubeObject
import Testing

@testable import KubeControllers

@Suite struct TaintEvictionTests {
    static let taint: JSON = ["key": "k", "value": "v", "effect": "NoExecute"]

    @Test(
        arguments: [
            ([], [], .stays),
            ([["key": "k", "effect": "NoSchedule"]], [], .stays),
            ([taint], [], .leaves(after: 0)),
            ([taint], [["key": "other", "operator": "Exists"]], .leaves(after: 0)),
            ([taint], [["operator": "Exists"]], .stays),
            ([taint], [["key": "k", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5]], .leaves(after: 5)),
            ([taint], [["key": "k", "value": "v", "tolerationSeconds": -5]], .leaves(after: 0)),
            (
                [taint, ["key": "z", "effect": "NoExecute"]],
                [["key": "k", "operator": "Exists", "tolerationSeconds": 9], ["key": "z", "operator": "Exists"]],
                .leaves(after: 9)
            ),
            (
                [taint, ["key": "z", "effect": "NoExecute"]],
                [
                    ["key": "k", "operator": "Exists", "tolerationSeconds": 9],
                    ["key": "z", "operator": "Exists", "tolerationSeconds": 3],
                ], .leaves(after: 3)
            ),
        ] as [([JSON], [JSON], TaintEviction)])
    func staysAsLongAsItTolerates(_ taints: [JSON], _ tolerations: [JSON], _ expected: TaintEviction) {
        let pod: JSON = ["spec": ["tolerations": .array(tolerations)]]
        #expect(TaintEviction(pod, node: ["spec": ["taints": .array(taints)]]) == expected)
    }

    @Test func aTaintedNodeLosesThePodsThatDontTolerateIt() async throws {
        try await Fixture.run { cluster in
            func pod(_ name: String, _ tolerations: JSON) -> JSON {
                [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
                    "spec": ["containers": [["name": "a", "image": "a"]], "tolerations": tolerations],
                ]
            }
            try await cluster.create(pod("goes", []), Resources.pods)
            try await cluster.create(pod("stays", [["key": "k", "operator": "Exists"]]), Resources.pods)
            try await cluster.create(
                pod("spared", [["key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3600]]),
                Resources.pods)
            try await eventually { cluster.list(Resources.pods).allSatisfy { PodState($0).isReady } }
            try await cluster.change(Resources.nodes, "node-1", namespace: "") { $0[path: "spec", "taints"] = [Self.taint] }
            try await eventually { cluster.list(Resources.pods).map(\.metadata.name) == ["spared", "stays"] }
            try await cluster.change(Resources.nodes, "node-1", namespace: "") { $0[path: "spec", "taints"] = [] }
            try await eventually {
                let events = cluster.list(Resources.events).map { ($0.tree["message"]?.string ?? "") }
                return events.contains("Marking for deletion Pod default/goes")
                    && events.contains("Cancelling deletion of Pod default/spared")
            }
        }
    }
}
