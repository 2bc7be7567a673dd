import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct BootstrapTests {
    @Test func aNewClusterIsUsableWhenItsCreationReturns() async throws {
        try await withRegistry { fixture in
            func names(_ plural: String, _ group: String = "", namespace: String = "") throws -> [String] {
                try fixture.registry.list(try fixture.resource(plural, group), namespace: namespace, fixture.admin).objects
                    .map(\.metadata.name)
            }
            let namespaces = try names("namespaces")
            #expect(namespaces == ["default", "kube-node-lease", "kube-public", "kube-system"])
            #expect(try names("services") == ["kubernetes", "kube-dns"])
            #expect(try names("serviceaccounts", namespace: "default") == ["default"])
            #expect(try names("configmaps", namespace: "kube-public") == ["kube-root-ca.crt"])
            #expect(try names("priorityclasses", "scheduling.k8s.io") == ["system-cluster-critical", "system-node-critical"])
            #expect(try names("storageclasses", "storage.k8s.io") == ["local-path"])
            #expect(try names("ipaddresses", "networking.k8s.io") == ["10.96.0.1", "10.96.0.10"])
            #expect(try fixture.get("services", "kubernetes")[path: "spec", "clusterIP"] == "10.96.0.1")
        }
    }

    @Test func aNewClusterHasTheNodesThatItIsGiven() async throws {
        try await withRegistry { fixture in
            let node: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "here"], "status": ["phase": "Running"]]
            let other = try await fixture.registry.createCluster(
                "other", record: [:], certificateAuthority: "PEM", nodes: [node])
            let found = try #require(other.snapshot.get(Key(group: "", plural: "nodes", namespace: "", name: "here")))
            #expect(!found.metadata.uid.isEmpty && !found.metadata.creationTimestamp.isEmpty)
            #expect(found.tree["status"] == node["status"])
        }
    }

    @Test func clustersShareTheirRolesAndHaveUidsOfTheirOwn() async throws {
        try await withRegistry { fixture in
            let other = try await fixture.registry.createCluster("other", record: [:], certificateAuthority: "PEM")
            let role = Key(group: rbacGroup, plural: "clusterroles", name: "admin")
            #expect(fixture.cluster.snapshot.get(role) === other.snapshot.get(role))
            let system = Key(group: "", plural: "namespaces", name: "kube-system")
            #expect(fixture.cluster.snapshot.get(system)?.metadata.uid != other.snapshot.get(system)?.metadata.uid)
        }
    }

    @Test func whatAClusterBeginsWithIsBookedAsUpstreams() async throws {
        try await withRegistry { fixture in
            /// Manager, operation, subresource and what it owns, each entry.
            func books(_ plural: String, _ name: String, _ group: String = "", namespace: String = "") throws -> [String] {
                let key = Key(group: group, plural: plural, namespace: namespace, name: name)
                let tree = try #require(fixture.cluster.snapshot.get(key)).tree
                return (tree[path: "metadata", "managedFields"]?.elements ?? []).map { entry in
                    #expect(entry["time"] == tree["metadata"]?["creationTimestamp"])
                    #expect(entry["apiVersion"] == tree["apiVersion"] && entry["fieldsType"] == "FieldsV1")
                    let fields = entry["fieldsV1"]?.text ?? ""
                    return "\(entry.text("manager")) \(entry.text("operation")) \(entry.text("subresource"))\(fields)"
                }
            }
            #expect(
                try books("namespaces", "default") == [
                    #"kube-apiserver Update {"f:metadata":{"f:labels":{".":{},"f:kubernetes.io/metadata.name":{}}}}"#
                ])
            // It has a name and nothing else: there is nothing to own.
            #expect(try books("serviceaccounts", "default", namespace: "default") == [])
            #expect(
                try books("configmaps", "kube-root-ca.crt", namespace: "default") == [
                    #"kube-controller-manager Update {"f:data":{".":{},"f:ca.crt":{}},"#
                        + #""f:metadata":{"f:annotations":{".":{},"f:kubernetes.io/description":{}}}}"#
                ])
            let service = try books("services", "kubernetes", namespace: "default")
            #expect(service.count == 1 && service[0].hasPrefix("kube-apiserver Update {"))
            #expect(service[0].contains(#""f:clusterIP":{}"#) && !service[0].contains("f:clusterIPs"))
            #expect(
                try books("clusterroles", "view", rbacGroup).map { $0.prefix { $0 != "{" } }
                    == ["clusterrole-aggregation-controller Apply ", "kube-apiserver Update "])
            #expect(try books("clusterroles", "view", rbacGroup)[0].hasSuffix(#"{"f:rules":{}}"#))
            #expect(
                try books("apiservices", "v1.apps", "apiregistration.k8s.io").map { $0.prefix { $0 != "{" } }
                    == ["kube-apiserver Update ", "kube-apiserver Update status"])
            // Who changes one later is booked as well.
            let role = try fixture.resource("clusterroles", rbacGroup)
            try await fixture.registry.mutate(role, namespace: "", name: "view", fixture.admin) {
                $0[path: "metadata", "labels", "a"] = "b"
            }
            #expect(try books2(fixture).contains("unknown"))
        }
    }

    private func books2(_ fixture: Fixture) throws -> [String] {
        let tree = try #require(fixture.cluster.snapshot.get(Key(group: rbacGroup, plural: "clusterroles", name: "view"))).tree
        return (tree[path: "metadata", "managedFields"]?.elements ?? []).map { $0.text("manager") }
    }

    @Test func theTableHasUpstreamsRoles() throws {
        let objects = BootstrapRBAC.objects(creationTimestamp: "2026-01-01T00:00:00Z")
        func named(_ kind: String, _ name: String) throws -> JSON {
            try #require(objects.first { $0.text("kind") == kind && $0["metadata"]?.text("name") == name })
        }
        #expect(objects.filter { $0.text("kind") == "ClusterRole" }.count > 60)
        #expect(
            try named("ClusterRole", "cluster-admin")["rules"] == [
                ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]], ["verbs": ["*"], "nonResourceURLs": ["*"]],
            ])
        #expect(
            try named("ClusterRoleBinding", "cluster-admin")["subjects"] == [
                ["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"]
            ])
        let view = try named("ClusterRole", "view")["rules"]?.elements ?? []
        let admin = try named("ClusterRole", "admin")["rules"]?.elements ?? []
        #expect(view.count == 13)
        // As metrics-server's manifests have it, not as what upstream's server makes itself.
        let reader = try named("ClusterRole", "system:aggregated-metrics-reader")
        #expect(
            reader["rules"] == [
                ["verbs": ["get", "list", "watch"], "apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"]]
            ])
        #expect(reader[path: "metadata", "labels"]?.object?.count == 4 && reader["metadata"]?["annotations"] == nil)
        #expect(view.contains { $0["apiGroups"] == ["metrics.k8s.io"] })
        #expect(view.allSatisfy(admin.contains))
        #expect(Bootstrap.base.snapshot.count(prefix: "") == objects.count + 26 + 20)
    }

    /// What a user may write, the server must be able to begin with; and nothing of it may lack a default.
    @Test func priorityLevelsAndFlowSchemasAreValidAndComplete() {
        for object in BootstrapFlowControl.objects {
            let isLevel = object.text("kind") == "PriorityLevelConfiguration"
            let rules: any KindRules = isLevel ? PriorityLevelConfigurationRules() : FlowSchemaRules()
            var errors = FieldErrors()
            rules.validate(object, &errors)
            var completed = object
            rules.setDefaults(&completed)
            #expect(errors.isEmpty, "\(object["metadata"]?.text("name") ?? ""): \(errors.list)")
            #expect(completed == object)
        }
        let names = BootstrapFlowControl.objects.map { $0["metadata"]?.text("name") ?? "" }
        #expect(names.filter { $0 == "exempt" }.count == 2 && names.filter { $0 == "catch-all" }.count == 2)
    }

    @Test(
        arguments: [
            (512, 8, "required entropy bits of deckSize 512 and handSize 8 should not be greater than 60"),
            (128, 10, "required entropy bits of deckSize 128 and handSize 10 should not be greater than 60"),
            (64, 8, nil), (128, 6, nil), (1, 1, nil),
        ] as [(Int64, Int64, String?)])
    func handsThatNoHashCanDealAreRefused(queues: Int64, hand: Int64, problem: String?) {
        var errors = FieldErrors()
        PriorityLevelConfigurationRules().validate(
            [
                "metadata": ["name": "mine"],
                "spec": [
                    "type": "Limited",
                    "limited": [
                        "nominalConcurrencyShares": 1,
                        "limitResponse": [
                            "type": "Queue",
                            "queuing": ["queues": .int(queues), "handSize": .int(hand), "queueLengthLimit": 1],
                        ],
                    ],
                ],
            ], &errors)
        #expect(errors.list.map(\.detail) == (problem.map { [$0] } ?? []))
    }
}
