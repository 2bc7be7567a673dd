import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeControllers

@Suite(.serialized) struct ClusterTests {
    func configMap(_ name: String, owner: Object? = nil, blocks: Bool = true) -> JSON {
        var tree: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)]]
        if let owner {
            tree[path: "metadata", "ownerReferences"] = [
                OwnerReference(
                    apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid,
                    blockOwnerDeletion: blocks
                ).tree
            ]
        }
        return tree
    }

    @Test func aNamespaceGetsWhatEveryNamespaceHasAndLosesItWithEverythingElse() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]], Resources.namespaces, namespace: "")
            try await eventually {
                cluster.get(Resources.serviceAccounts, "default", namespace: "team") != nil
                    && cluster.get(Resources.configMaps, "kube-root-ca.crt", namespace: "team") != nil
            }
            try await cluster.delete(Resources.serviceAccounts, "default", namespace: "team")
            try await cluster.change(Resources.configMaps, "kube-root-ca.crt", namespace: "team") {
                $0["data"] = ["ca.crt": "forged"]
            }
            try await eventually {
                cluster.get(Resources.serviceAccounts, "default", namespace: "team") != nil
                    && cluster.get(Resources.configMaps, "kube-root-ca.crt", namespace: "team")?.tree["data"] == ["ca.crt": "CA"]
            }
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments, namespace: "team")
            try await eventually { cluster.list(Resources.pods, namespace: "team").count == 2 }
            for index in 0..<50 { try await cluster.create(configMap("c\(index)"), Resources.configMaps, namespace: "team") }

            try await cluster.delete(Resources.namespaces, "team", namespace: "")
            try await eventually { cluster.get(Resources.namespaces, "team", namespace: "") == nil }
            #expect(!cluster.cluster.snapshot.entries(prefix: "").contains { $0.key.namespace == "team" })
        }
    }

    /// The fixture's cluster was made without it, as clusters were once.
    @Test func whomExtensionServersBelieveIsToldInEveryCluster() async throws {
        try await Fixture.run { cluster in
            let name = "extension-apiserver-authentication"
            func data() -> JSON? { cluster.get(Resources.configMaps, name, namespace: "kube-system")?.tree["data"] }
            try await eventually { data()?["client-ca-file"] == "the client-ca-file" }
            try await cluster.change(Resources.configMaps, name, namespace: "kube-system") { tree in
                tree[path: "data", "requestheader-client-ca-file"] = nil
                tree[path: "data", "client-ca-file"] = "mine"
                tree[path: "data", "more"] = "kept"
            }
            try await eventually { data()?["requestheader-client-ca-file"] == "the requestheader-client-ca-file" }
            #expect(data()?["client-ca-file"] == "mine" && data()?["more"] == "kept")
            try await cluster.delete(Resources.configMaps, name, namespace: "kube-system")
            try await eventually { data()?["client-ca-file"] == "the client-ca-file" }
        }
    }

    @Test func aFinalizerHoldsTheNamespaceAndIsNamed() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]], Resources.namespaces, namespace: "")
            var held = configMap("held")
            held[path: "metadata", "finalizers"] = ["example.com/hold"]
            try await cluster.create(held, Resources.configMaps, namespace: "team")
            try await cluster.delete(Resources.namespaces, "team", namespace: "")
            try await eventually {
                let status = cluster.get(Resources.namespaces, "team", namespace: "")?.tree["status"]
                return Condition.find("NamespaceFinalizersRemaining", in: status)?.message
                    == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
            }
            try await cluster.change(Resources.configMaps, "held", namespace: "team") { $0[path: "metadata", "finalizers"] = nil }
            try await eventually { cluster.get(Resources.namespaces, "team", namespace: "") == nil }
        }
    }

    @Test func backgroundForegroundAndOrphan() async throws {
        try await Fixture.run { cluster in
            for (name, policy) in [("b", PropagationPolicy.background), ("f", .foreground), ("o", .orphan)] {
                let owner = try await cluster.create(configMap(name), Resources.configMaps)
                let child = try await cluster.create(configMap("\(name)-child", owner: owner), Resources.configMaps)
                try await cluster.create(configMap("\(name)-grandchild", owner: child), Resources.configMaps)
                try await cluster.delete(Resources.configMaps, name, policy: policy)
                try await eventually { cluster.get(Resources.configMaps, name) == nil }
            }
            try await eventually {
                !cluster.list(Resources.configMaps).contains {
                    $0.metadata.name.hasPrefix("b") || $0.metadata.name.hasPrefix("f")
                }
            }
            #expect(cluster.get(Resources.configMaps, "o-child")?.metadata.ownerReferences == [])
            #expect(cluster.get(Resources.configMaps, "o-grandchild") != nil)
        }
    }

    @Test func foregroundGoesLast() async throws {
        try await Fixture.run { cluster in
            let owner = try await cluster.create(configMap("owner"), Resources.configMaps)
            var child = configMap("child", owner: owner)
            child[path: "metadata", "finalizers"] = ["example.com/hold"]
            try await cluster.create(child, Resources.configMaps)
            try await cluster.delete(Resources.configMaps, "owner", policy: .foreground)
            try await eventually { cluster.get(Resources.configMaps, "child")?.metadata.deletionTimestamp != nil }
            #expect(cluster.get(Resources.configMaps, "owner") != nil)
            try await cluster.change(Resources.configMaps, "child") { $0[path: "metadata", "finalizers"] = nil }
            try await eventually { cluster.get(Resources.configMaps, "owner") == nil }
        }
    }

    @Test func whatNamesAnOwnerThatNeverWasGoes() async throws {
        try await Fixture.run { cluster in
            let owner = try await cluster.create(configMap("real"), Resources.configMaps)
            var tree = configMap("child", owner: owner)
            tree[path: "metadata", "ownerReferences"]?[0]?["uid"] = "other"
            try await cluster.create(tree, Resources.configMaps)
            try await eventually { cluster.get(Resources.configMaps, "child") == nil }

            var two = configMap("two", owner: owner)
            two[path: "metadata", "ownerReferences"] = .array(
                (two[path: "metadata", "ownerReferences"]?.elements ?? []) + [
                    OwnerReference(apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "gone").tree
                ])
            try await cluster.create(two, Resources.configMaps)
            try await eventually {
                cluster.get(Resources.configMaps, "two")?.metadata.ownerReferences.map(\.uid) == [owner.metadata.uid]
            }
        }
    }

    @Test func aServiceFollowsItsPods() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
                    "spec": ["selector": ["app": "web"], "ports": [["port": 80, "targetPort": 80]]],
                ], Resources.services)
            try await cluster.create(cluster.deployment(replicas: 3), Resources.deployments)
            func ready() -> Int {
                cluster.list(Resources.endpointSlices).filter { $0.metadata.labels["kubernetes.io/service-name"] == "web" }
                    .reduce(0) { $0 + ($1.tree["endpoints"]?.elements ?? []).count { $0[path: "conditions", "ready"] == true } }
            }
            try await eventually { ready() == 3 }
            try await eventually {
                cluster.get(Resources.endpoints, "web")?.tree["subsets"]?[0]?["addresses"]?.elements.count == 3
            }
            try await cluster.change(Resources.deployments, "web") { $0[path: "spec", "replicas"] = 1 }
            try await eventually { ready() == 1 }
            try await cluster.delete(Resources.services, "web")
            try await eventually { cluster.get(Resources.endpoints, "web") == nil && ready() == 0 }
        }
    }

    @Test func aPodThatDoesntFitWaitsUntilItDoes() async throws {
        try await Fixture.run { cluster in
            func pod(_ name: String, cpu: String) -> JSON {
                [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
                    "spec": [
                        "containers": [["name": "a", "image": "a", "resources": ["requests": ["cpu": .string(cpu)]]]]
                    ],
                ]
            }
            try await cluster.create(pod("big", cpu: "6"), Resources.pods)
            try await eventually { cluster.get(Resources.pods, "big")?.tree[path: "status", "phase"] == "Running" }
            try await cluster.create(pod("next", cpu: "4"), Resources.pods)
            try await eventually {
                let condition = Condition.find("PodScheduled", in: cluster.get(Resources.pods, "next")?.tree["status"])
                return condition?.reason == "Unschedulable"
                    && condition?.message.hasPrefix("0/1 nodes are available: 1 Insufficient cpu.") ?? false
            }
            try await cluster.delete(Resources.pods, "big")
            try await eventually { cluster.get(Resources.pods, "next")?.tree[path: "status", "phase"] == "Running" }
            #expect(Condition.find("PodScheduled", in: cluster.get(Resources.pods, "next")?.tree["status"])?.status == .true)
        }
    }
}
