import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

struct RelocationTests {
    private static func entry(_ key: String, _ revision: UInt64, _ yaml: String) throws -> (key: Key, object: Object) {
        (Key(key), try Draft(try parse(yaml)).sealed(resourceVersion: revision))
    }

    @Test func onlyWhatSaysWhereSomethingRunsIsChanged() async throws {
        let pattern =
            "{apiVersion: v1, kind: Pod, metadata: {name: NAME, namespace: d, uid: theirs, ownerReferences: [{uid: o}]}, spec: {nodeName: far, ephemeralContainers: [{name: e}]}, status: {phase: PHASE, qosClass: Burstable, podIP: 10.1.2.3}}"
        func pod(_ name: String, _ phase: String) -> String {
            pattern.replacing("NAME", with: name).replacing("PHASE", with: phase)
        }
        let objects = [
            try Self.entry("core/configmaps/d/m", 3, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: d}}"),
            try Self.entry(
                "coordination.k8s.io/leases/kube-node-lease/far", 4,
                "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: far, namespace: kube-node-lease}}"),
            try Self.entry("core/nodes/_/far", 4, "{apiVersion: v1, kind: Node, metadata: {name: far}}"),
            try Self.entry("core/pods/d/over", 5, pod("over", "Succeeded")),
            try Self.entry("core/pods/d/runs", 6, pod("runs", "Running")),
            try Self.entry(
                "core/secrets/d/t", 7,
                "{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: d}, type: kubernetes.io/service-account-token, data: {token: eA==, namespace: ZA==}}"
            ),
        ]
        func moved(_ isAnother: Bool) throws -> [String: Object] {
            let restored = try Relocation(
                nodes: [["apiVersion": "v1", "kind": "Node", "metadata": ["name": "near"]]], apiServer: ("10.0.0.1", 6443),
                trust: isAnother ? ["metadata": ["name": "trust"], "data": ["ca": "new"]] : nil
            ).apply(to: objects, revision: 20)
            #expect(restored.events.map(\.revision) == Array(21...restored.revision))
            return Dictionary(uniqueKeysWithValues: restored.objects.map { ($0.key.text, $0.object) })
        }
        let found = try moved(false)
        #expect(
            Set(found.keys) == [
                "core/configmaps/d/m", "core/nodes/_/near", "core/pods/d/over", "core/pods/d/runs", "core/secrets/d/t",
            ])
        #expect(found["core/configmaps/d/m"] === objects[0].object)
        #expect(found["core/secrets/d/t"] === objects.last?.object)
        let runs = try #require(found["core/pods/d/runs"])
        #expect(runs.metadata.resourceVersion > 20)
        #expect(runs.metadata.uid != "theirs" && !runs.metadata.uid.isEmpty)
        #expect(runs.tree["status"] == ["phase": "Pending", "qosClass": "Burstable"])
        #expect(runs.tree["spec"] == ["nodeName": "near"])
        #expect(runs.tree[path: "metadata", "ownerReferences"]?.elements.count == 1)
        let over = try #require(found["core/pods/d/over"])
        #expect(over.tree[path: "status", "phase"] == "Succeeded")
        #expect(over.metadata.uid != "theirs")
        #expect(try moved(true)["core/secrets/d/t"]?.tree["data"] == ["namespace": "ZA=="])
    }

    @Test(arguments: [
        (["near"], ["far": "near", "far-2": "near", "far-10": "near"]),
        (["near", "near-2"], ["far": "near", "far-2": "near-2", "far-10": "near"]),
        (["far", "far-2", "far-10"], ["far": "far", "far-2": "far-2", "far-10": "far-10"]),
    ])
    func podsThatWereTogetherStayTogether(nodes: [String], homes: [String: String]) throws {
        let objects = try homes.keys.sorted().enumerated().map { index, home in
            try Self.entry(
                "core/pods/d/on-\(home)", UInt64(index + 1),
                "{apiVersion: v1, kind: Pod, metadata: {name: on-\(home), namespace: d, uid: u}, spec: {nodeName: \(home)}}")
        }
        let here = nodes.map { JSON.object(["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string($0)]]) }
        let restored = try Relocation(nodes: here, apiServer: ("10.0.0.1", 6443), trust: nil).apply(to: objects, revision: 9)
        let found = restored.objects.filter { $0.object.kind == "Pod" }.map { key, object in
            (String(key.name.dropFirst(3)), object.tree[path: "spec", "nodeName"]?.string)
        }
        #expect(Dictionary(uniqueKeysWithValues: found) == homes.mapValues { $0 })
    }
}
