import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct NodeAuthorizerTests {
    private static func node(_ name: String) -> UserInfo {
        UserInfo(name: "system:node:\(name)", groups: ["system:nodes", "system:authenticated"])
    }

    private static func make(_ fixture: Fixture) async throws {
        for name in ["one", "two"] {
            try await fixture.create("{apiVersion: v1, kind: Node, metadata: {name: \(name)}}", namespace: "")
        }
        for (name, node) in [("mine", "one"), ("theirs", "two")] {
            try await fixture.create(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name)}
                spec:
                  nodeName: \(node)
                  serviceAccountName: default
                  imagePullSecrets: [{name: \(name)-pull}]
                  containers:
                  - name: main
                    image: x
                    env: [{name: A, valueFrom: {secretKeyRef: {name: \(name)-env, key: k}}}]
                    envFrom: [{configMapRef: {name: \(name)-map}}]
                  volumes:
                  - {name: a, secret: {secretName: \(name)-volume}}
                  - {name: b, persistentVolumeClaim: {claimName: \(name)-claim}}
                  - {name: c, projected: {sources: [{secret: {name: \(name)-projected}}, {configMap: {name: \(name)-projected}}]}}
                """)
        }
        try await fixture.create(
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: mine-volume}
            spec:
              capacity: {storage: 1Gi}
              accessModes: [ReadWriteOnce]
              claimRef: {namespace: default, name: mine-claim}
              csi: {driver: example.com, volumeHandle: x, nodePublishSecretRef: {name: mine-csi, namespace: default}}
            """, namespace: "")
    }

    /// Verb, group, resource with its subresource, namespace, name.
    private static let own: [(String, String, String, String, String)] = [
        ("get", "", "secrets", "default", "mine-env"), ("list", "", "secrets", "default", "mine-pull"),
        ("watch", "", "secrets", "default", "mine-volume"), ("get", "", "secrets", "default", "mine-projected"),
        ("get", "", "secrets", "default", "mine-csi"), ("get", "", "configmaps", "default", "mine-map"),
        ("get", "", "configmaps", "default", "mine-projected"), ("get", "", "persistentvolumeclaims", "default", "mine-claim"),
        ("patch", "", "persistentvolumeclaims/status", "default", "mine-claim"),
        ("get", "", "persistentvolumes", "", "mine-volume"),
        ("create", "", "serviceaccounts/token", "default", "default"), ("get", "", "pods", "default", "mine"),
        ("get", "", "nodes", "", "one"), ("update", "", "nodes/status", "", "one"),
        ("patch", "", "pods/status", "default", "mine"),
        ("update", "coordination.k8s.io", "leases", "kube-node-lease", "one"), ("create", "", "events", "default", ""),
        ("get", "storage.k8s.io", "csinodes", "", "one"), ("create", "", "pods", "default", ""), ("list", "", "services", "", ""),
        ("list", "node.k8s.io", "runtimeclasses", "", ""),
        ("create", "certificates.k8s.io", "certificatesigningrequests", "", ""),
    ]

    private static let others: [(String, String, String, String, String, String)] = [
        ("get", "", "secrets", "default", "theirs-env", "no relationship found between node 'one' and this object"),
        ("get", "", "secrets", "default", "nobodys", "no relationship found between node 'one' and this object"),
        ("get", "", "secrets", "kube-system", "mine-env", "no relationship found between node 'one' and this object"),
        ("list", "", "secrets", "", "", "can only read namespaced object of this type"),
        ("list", "", "secrets", "default", "", "No Object name found"),
        ("delete", "", "secrets", "default", "mine-env", "can only read resources of this type"),
        ("get", "", "configmaps", "default", "theirs-map", "no relationship found between node 'one' and this object"),
        ("get", "", "persistentvolumes", "", "theirs-volume", "no relationship found between node 'one' and this object"),
        ("list", "", "persistentvolumeclaims", "default", "mine-claim", "can only get individual resources of this type"),
        ("create", "", "serviceaccounts", "default", "", "can only create tokens for individual service accounts"),
        (
            "create", "", "serviceaccounts/token", "kube-system", "default",
            "no relationship found between node 'one' and this object"
        ),
        ("get", "", "pods", "default", "theirs", "no relationship found between node 'one' and this object"),
        ("list", "", "pods", "", "", "can only list/watch pods with spec.nodeName field selector"),
        ("get", "", "nodes", "", "two", "node 'one' cannot read 'two', only its own Node object"),
        ("list", "", "nodes", "", "", "node 'one' cannot read all nodes, only its own Node object"),
        ("delete", "", "nodes", "", "one", ""),
        (
            "update", "coordination.k8s.io", "leases", "kube-node-lease", "two",
            "can only access node lease with the same name as the requesting node"
        ),
        (
            "get", "coordination.k8s.io", "leases", "default", "one",
            #"can only access leases in the "kube-node-lease" system namespace"#
        ),
        ("list", "storage.k8s.io", "csinodes", "", "", "can only get, create, update, patch, or delete a CSINode"),
        ("create", "", "pods/exec", "default", "mine", ""), ("get", "apps", "deployments", "default", "x", ""),
    ]

    private static func decide(
        _ fixture: Fixture, _ user: UserInfo, _ verb: String, _ group: String, _ resource: String, _ namespace: String,
        _ name: String, fields: String = ""
    ) -> Authorizer.Decision {
        let parts = resource.split(separator: "/").map(String.init)
        var attributes = AccessAttributes(
            user: user, verb: verb, apiGroup: group, resource: parts[0], subresource: parts.count > 1 ? parts[1] : "",
            namespace: namespace, name: name)
        attributes.fieldSelector = fields
        return fixture.registry.authorizer.decide(attributes, in: fixture.cluster)
    }

    @Test func `a node reads what its pods need, and nothing else`() async throws {
        try await withRegistry { fixture in
            try await Self.make(fixture)
            for (verb, group, resource, namespace, name) in Self.own {
                let decision = Self.decide(fixture, Self.node("one"), verb, group, resource, namespace, name)
                #expect(decision.isAllowed, "\(verb) \(resource) \(name): \(decision.reason)")
            }
            for (verb, group, resource, namespace, name, reason) in Self.others {
                let decision = Self.decide(fixture, Self.node("one"), verb, group, resource, namespace, name)
                #expect(decision == .init(isAllowed: false, reason: reason), "\(verb) \(resource) \(name)")
            }
        }
    }

    @Test func `pods of a node are listed by a selector for it`() async throws {
        try await withRegistry { fixture in
            func list(_ fields: String) -> Bool {
                Self.decide(fixture, Self.node("one"), "list", "", "pods", "", "", fields: fields).isAllowed
            }
            #expect(list("spec.nodeName=one"))
            #expect(list("status.phase=Running,spec.nodeName==one"))
            #expect(!list("spec.nodeName=two"))
            #expect(!list("spec.nodeName!=one"))
            #expect(!list("spec.nodeName=one-more"))
        }
    }

    @Test func `who isn't a node gets nothing by it`() async throws {
        try await withRegistry { fixture in
            try await Self.make(fixture)
            for user in [
                UserInfo(name: "system:node:one", groups: ["system:authenticated"]),
                UserInfo(name: "one", groups: ["system:nodes"]),
                UserInfo(name: "system:node:", groups: ["system:nodes"]),
            ] {
                #expect(!Self.decide(fixture, user, "get", "", "secrets", "default", "mine-env").isAllowed, "\(user)")
            }
        }
    }

    @Test func `when a pod goes, what it needed is out of its node's reach`() async throws {
        try await withRegistry { fixture in
            try await Self.make(fixture)
            #expect(Self.decide(fixture, Self.node("two"), "get", "", "secrets", "default", "theirs-env").isAllowed)
            try await fixture.registry.delete(
                try fixture.resource("pods"), namespace: "default", name: "theirs", DeleteOptions(gracePeriodSeconds: 0),
                fixture.admin)
            #expect(!Self.decide(fixture, Self.node("two"), "get", "", "secrets", "default", "theirs-env").isAllowed)
        }
    }

    @Test func `a mirror pod gives its node nothing`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: mirror, annotations: {kubernetes.io/config.mirror: x}}
                spec: {nodeName: one, containers: [{name: main, image: x}], volumes: [{name: a, secret: {secretName: s}}]}
                """)
            #expect(!Self.decide(fixture, Self.node("one"), "get", "", "secrets", "default", "s").isAllowed)
        }
    }
}
