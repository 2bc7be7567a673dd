import KubeObject
import Testing

@testable import KubeControllers

@Suite struct DaemonSetPlanTests {
    func set(_ spec: JSON = [:]) throws -> Object {
        var tree: JSON = [
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": ["name": "agent", "namespace": "default", "uid": "a", "generation": 1],
            "spec": ["template": ["spec": ["containers": []]]],
        ]
        for (key, value) in spec.object ?? [:] { tree[path: "spec", key] = value }
        return try Samples.object(tree)
    }

    func node(_ name: String, _ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        var tree: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": ["disk": "ssd"]]]
        change(&tree)
        return try Samples.object(tree)
    }

    func pod(_ name: String, on node: String, hash: String = "new", ready: Bool = true, phase: String = "Running") throws
        -> Object
    {
        try Samples.pod(name, labels: ["controller-revision-hash": hash], phase: phase, readyFor: ready ? 60 : nil, node: node)
    }

    func plan(_ set: Object, _ nodes: [Object], _ pods: [Object]) -> DaemonSetPlan {
        DaemonSetPlan(set, nodes: nodes, pods: pods, hash: "new", now: Samples.now)
    }

    @Test func everyNodeThatFitsHasOne() throws {
        let nodes = try [
            node("a"), node("b"), node("cordoned") { $0[path: "spec", "unschedulable"] = true },
            node("tainted") { $0[path: "spec", "taints"] = [["key": "x", "effect": "NoSchedule"]] },
            node("sick") { $0[path: "spec", "taints"] = [["key": "node.kubernetes.io/not-ready", "effect": "NoExecute"]] },
        ]
        let result = try plan(set(), nodes, [pod("p", on: "a"), pod("q", on: "a")])
        #expect(result.create == ["b", "cordoned", "sick"])
        #expect(result.delete.map(\.pod.name) == ["q"])
        #expect(result.status["desiredNumberScheduled"] == 4)
        #expect(result.status["currentNumberScheduled"] == 1)
        #expect(result.status["numberAvailable"] == 1)
        #expect(result.status["numberUnavailable"] == 3)
        let selective = try set(["template": ["spec": ["nodeSelector": ["disk": "hdd"]]]])
        #expect(try plan(selective, nodes, [pod("p", on: "a")]).delete.map(\.pod.name) == ["p"])
    }

    @Test func failedPodsAreMadeAnew() throws {
        let result = try plan(set(), [node("a")], [pod("p", on: "a", ready: false, phase: "Failed")])
        #expect(result.delete.map(\.isFailed) == [true])
    }

    @Test func anUpdateReplacesOneNodeAfterAnother() throws {
        let nodes = try ["a", "b", "c"].map { try node($0) }
        let old = try ["a", "b", "c"].map { try pod("p\($0)", on: $0, hash: "old") }
        #expect(try plan(set(), nodes, old).delete.map(\.pod.name) == ["pa"])
        #expect(try plan(set(), nodes, [pod("x", on: "a", ready: false)] + old.dropFirst()).delete.isEmpty)
        let two: JSON = ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 2]]]
        #expect(try plan(set(two), nodes, old).delete.map(\.pod.name) == ["pa", "pb"])
        #expect(try plan(set(["updateStrategy": ["type": "OnDelete"]]), nodes, old).delete.isEmpty)
    }

    @Test func aSurgeComesBeforeTheOldGoes() throws {
        let surge: JSON = ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 0]]]
        let nodes = try [node("a"), node("b")]
        let old = try [pod("pa", on: "a", hash: "old"), pod("pb", on: "b", hash: "old")]
        let first = try plan(set(surge), nodes, old)
        #expect(first.create == ["a"])
        #expect(first.delete.isEmpty)
        let waiting = try plan(set(surge), nodes, old + [pod("na", on: "a", ready: false)])
        #expect(waiting.create.isEmpty && waiting.delete.isEmpty)
        let ready = try plan(set(surge), nodes, old + [pod("na", on: "a")])
        #expect(ready.delete.map(\.pod.name) == ["pa"])
    }

    @Test func podsSayTheirNodeAndTolerateTrouble() throws {
        let pod = try DaemonSetPodTemplate.pod(set(), node: "a", hash: "new", generation: 1)
        #expect(try DaemonSetPodTemplate.node(of: Samples.object(pod)) == "a")
        #expect(pod[path: "spec", "tolerations"]?.elements.count == 6)
    }
}
