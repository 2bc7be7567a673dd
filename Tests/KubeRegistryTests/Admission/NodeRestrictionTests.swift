import KubeObject
import KubeSchema
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct NodeRestrictionTests {
    private static func context(_ fixture: Fixture, _ node: String = "one") -> RequestContext {
        RequestContext(
            cluster: fixture.cluster,
            user: UserInfo(name: "system:node:\(node)", groups: ["system:nodes", "system:authenticated"]))
    }

    private static func problem(_ fixture: Fixture, _ yaml: String, node: String = "one") async throws -> String? {
        let tree = try parse(yaml)
        let kind = GroupVersion(apiVersion: tree.text("apiVersion")).kind(tree.text("kind"))
        let resource = try #require(fixture.registry.schema.resource(forKind: kind))
        let namespace = resource.isNamespaced ? tree[path: "metadata", "namespace"]?.string ?? "default" : ""
        return await refusal {
            try await fixture.registry.create(
                tree, resource, namespace: namespace, CreateOptions(), self.context(fixture, node))
        }?.message
    }

    private static func pod(_ uid: String, metadata: String = "", spec: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: mirror
          annotations: {kubernetes.io/config.mirror: x}
          ownerReferences: [{apiVersion: v1, kind: Node, name: one, uid: "\(uid)", controller: true\(metadata)}]
        spec: {nodeName: one, automountServiceAccountToken: false, containers: [{name: main, image: x}]\(spec)}
        """
    }

    @Test func `a node makes itself and no other, without labels that steer pods`() async throws {
        try await withRegistry { fixture in
            let outcomes: [(String, String?)] = [
                ("{name: two}", #"node "one" is not allowed to modify node "two""#),
                (
                    "{name: one, labels: {node-role.kubernetes.io/master: ''}}",
                    "is not allowed to set the following labels: node-role"
                ),
                (
                    "{name: one, labels: {x.node-restriction.kubernetes.io/a: b}}",
                    "is not allowed to set the following labels: x.node-r"
                ),
                ("{name: one, labels: {kubernetes.io/os: linux, kubelet.kubernetes.io/a: b, example.com/c: d}}", nil),
            ]
            for (metadata, words) in outcomes {
                let problem = try await Self.problem(fixture, "{apiVersion: v1, kind: Node, metadata: \(metadata)}")
                if let words { #expect(problem?.contains(words) == true, "\(problem ?? "")") } else { #expect(problem == nil) }
            }
        }
    }

    @Test func `a node makes mirror pods of its own that need nothing`() async throws {
        try await withRegistry { fixture in
            let node = try await fixture.create("{apiVersion: v1, kind: Node, metadata: {name: one}}", namespace: "")
            let uid = node["metadata"]?.text("uid") ?? ""
            let plain =
                "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: one, containers: [{name: m, image: x}]}}"
            let outcomes: [(String, String)] = [
                (plain, "can only create mirror pods"),
                (Self.pod("other"), "node one UID mismatch: expected other got \(uid)"),
                (Self.pod(uid, metadata: ", blockOwnerDeletion: true"), "must not set blockOwnerDeletion"),
                (
                    Self.pod(uid).replacing("controller: true", with: "controller: false"),
                    "a controller owner reference set to itself"
                ),
                (Self.pod(uid).replacing("nodeName: one", with: "nodeName: two"), "spec.nodeName set to itself"),
                (Self.pod(uid).replacing("kind: Node", with: "kind: Pod"), "an owner reference set to itself"),
                (Self.pod(uid, spec: ", volumes: [{name: a, secret: {secretName: s}}]"), "that reference secrets"),
                (Self.pod(uid, spec: ", volumes: [{name: a, configMap: {name: s}}]"), "that reference configmaps"),
                (
                    Self.pod(uid, spec: ", volumes: [{name: a, persistentVolumeClaim: {claimName: s}}]"),
                    "that reference persistentvolumeclaims"
                ),
            ]
            for (yaml, words) in outcomes {
                let problem = try await Self.problem(fixture, yaml)
                #expect(problem?.contains(words) == true, "\(words): \(problem ?? "")")
            }
        }
    }

    @Test func `what is bound to a node tells its zone`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                "{apiVersion: v1, kind: Node, metadata: {name: one, labels: {topology.kubernetes.io/zone: z, topology.kubernetes.io/region: r, other: o}}}",
                namespace: "")
            let made = try await fixture.create(
                "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {topology.kubernetes.io/zone: own}}, spec: {nodeName: one, containers: [{name: m, image: x}]}}"
            )
            #expect(
                made[path: "metadata", "labels"] == ["topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "own"])
            try await fixture.create(
                "{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{name: m, image: x}]}}")
            _ = try await fixture.registry.create(
                [
                    "apiVersion": "v1", "kind": "Binding", "metadata": ["name": "b"],
                    "target": ["kind": "Node", "name": "one"],
                ], try fixture.resource("pods"), namespace: "default", name: "b", subresource: "binding", CreateOptions(),
                fixture.admin)
            #expect(
                try fixture.get("pods", "b")[path: "metadata", "labels"] == [
                    "topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z",
                ])
        }
    }
}
