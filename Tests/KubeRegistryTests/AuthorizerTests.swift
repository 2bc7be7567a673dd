import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct AuthorizerTests {
    private func ask(
        _ fixture: Fixture, _ user: UserInfo, _ verb: String, _ group: String, _ resource: String, _ subresource: String = "",
        namespace: String = "default", name: String = ""
    ) -> Authorizer.Decision {
        fixture.registry.authorizer.decide(
            AccessAttributes(
                user: user, verb: verb, apiGroup: group, resource: resource, subresource: subresource, namespace: namespace,
                name: name), in: fixture.cluster)
    }

    private let jane = UserInfo(name: "jane", groups: ["system:authenticated"])

    @Test func aBindingTakesEffectAtOnceAndSoDoesItsRemoval() async throws {
        try await withRegistry { fixture in
            #expect(!ask(fixture, jane, "list", "apps", "deployments").isAllowed)
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: views}
                roleRef: {kind: ClusterRole, name: view}
                subjects: [{kind: User, name: jane}]
                """)
            let decision = ask(fixture, jane, "list", "apps", "deployments")
            #expect(decision.isAllowed)
            #expect(
                decision.reason
                    == "RBAC: allowed by RoleBinding \"views/default\" of ClusterRole \"view\" to User \"jane\"")
            #expect(ask(fixture, jane, "get", "", "pods", "log").isAllowed)
            #expect(!ask(fixture, jane, "get", "", "secrets").isAllowed)
            #expect(!ask(fixture, jane, "list", "apps", "deployments", namespace: "kube-system").isAllowed)
            #expect(!ask(fixture, jane, "create", "", "pods", "exec").isAllowed)
            try await fixture.registry.delete(
                try fixture.resource("rolebindings", "rbac.authorization.k8s.io"), namespace: "default", name: "views",
                fixture.admin)
            #expect(!ask(fixture, jane, "list", "apps", "deployments").isAllowed)
        }
    }

    /// All clusters share what they started with; one that deletes or changes a part of that must not go on getting it from there.
    @Test func aBindingOfTheBootstrapThatAClusterTookAwayOrChangedGivesNothingThereAndAllElsewhere() async throws {
        try await withRegistry { fixture in
            let other = try await fixture.registry.createCluster(
                "other", uid: "o", record: [:], certificateAuthority: "", apiServer: ("10.0.0.1", 6443))
            let scheduler = UserInfo(name: "system:kube-scheduler", groups: ["system:authenticated"])
            func may(_ user: UserInfo, _ cluster: LogicalCluster) -> Bool {
                fixture.registry.authorizer.decide(
                    AccessAttributes(
                        user: user, verb: "create", apiGroup: "", resource: "pods", subresource: "binding", namespace: "default"),
                    in: cluster
                ).isAllowed
            }
            #expect(may(scheduler, fixture.cluster) && may(scheduler, other))

            let bindings = try fixture.resource("clusterrolebindings", "rbac.authorization.k8s.io")
            try await fixture.registry.delete(bindings, namespace: "", name: "system:kube-scheduler", fixture.admin)
            #expect(!may(scheduler, fixture.cluster))
            #expect(may(scheduler, other))

            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: "system:kube-scheduler"}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:kube-scheduler"}
                subjects: [{kind: User, name: jane}]
                """, namespace: "")
            #expect(may(jane, fixture.cluster) && !may(scheduler, fixture.cluster))
            #expect(!may(jane, other) && may(scheduler, other))
        }
    }

    @Test func aRoleThatIsAggregatedGrowsWithTheRolesItChooses() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: admins}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
                subjects: [{kind: Group, name: admins}]
                """, namespace: "")
            let user = UserInfo(name: "joe", groups: ["admins"])
            #expect(ask(fixture, user, "get", "", "configmaps").isAllowed)
            #expect(ask(fixture, user, "delete", "apps", "deployments").isAllowed)
            #expect(!ask(fixture, user, "get", "example.com", "widgets").isAllowed)
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: widgets, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
                rules: [{apiGroups: [example.com], resources: [widgets], verbs: [get]}]
                """, namespace: "")
            #expect(ask(fixture, user, "get", "example.com", "widgets").isAllowed)
        }
    }

    @Test func everybodyMayLookAroundAndMastersMayDoAll() async throws {
        try await withRegistry { fixture in
            func path(_ user: UserInfo, _ path: String) -> Bool {
                fixture.registry.authorizer.decide(AccessAttributes(user: user, verb: "get", path: path), in: fixture.cluster)
                    .isAllowed
            }
            #expect(path(.anonymous, "/healthz"))
            #expect(path(.anonymous, "/version"))
            #expect(!path(.anonymous, "/api"))
            #expect(path(jane, "/api"))
            #expect(path(jane, "/apis/apps/v1"))
            #expect(!path(jane, "/metrics"))
            #expect(ask(fixture, jane, "create", "authorization.k8s.io", "selfsubjectaccessreviews", namespace: "").isAllowed)
            #expect(ask(fixture, fixture.admin.user, "anything", "x", "y").isAllowed)
            let controller = UserInfo.serviceAccount(namespace: "kube-system", name: "deployment-controller")
            #expect(ask(fixture, controller, "create", "apps", "replicasets").isAllowed)
        }
    }

    @Test func resourceNamesAreKept() {
        let rule = PolicyRule(
            verbs: ["get"], apiGroups: [""], resources: ["configmaps", "*/status"], resourceNames: ["one"])
        func allows(_ resource: String, _ subresource: String, _ name: String) -> Bool {
            rule.allows(
                AccessAttributes(
                    user: .anonymous, verb: "get", apiGroup: "", resource: resource, subresource: subresource, name: name))
        }
        #expect(allows("configmaps", "", "one"))
        #expect(!allows("configmaps", "", "two"))
        #expect(!allows("configmaps", "", ""))
        #expect(allows("pods", "status", "one"))
        #expect(!allows("pods", "", "one"))
    }

    @Test(arguments: [
        (
            AccessAttributes(
                user: UserInfo(name: "x"), verb: "list", apiGroup: "apps", resource: "deployments", namespace: "default"),
            "deployments.apps is forbidden: User \"x\" cannot list resource \"deployments\" in API group \"apps\" in the namespace \"default\""
        ),
        (
            AccessAttributes(user: UserInfo(name: "x"), verb: "get", apiGroup: "", resource: "nodes", name: "n"),
            "nodes \"n\" is forbidden: User \"x\" cannot get resource \"nodes\" in API group \"\" at the cluster scope"
        ),
        (
            AccessAttributes(
                user: UserInfo(name: "x"), verb: "get", apiGroup: "", resource: "pods", subresource: "log", namespace: "a",
                name: "p"),
            "pods \"p\" is forbidden: User \"x\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"a\""
        ),
        (
            AccessAttributes(user: UserInfo(name: "x"), verb: "get", path: "/metrics"),
            "forbidden: User \"x\" cannot get path \"/metrics\""
        ),
    ])
    func refusalsAreUpstreams(_ attributes: AccessAttributes, _ message: String) {
        #expect(attributes.forbidden().message == message)
        #expect(attributes.forbidden().code == 403)
    }

    @Test func nobodyGivesAwayWhatTheyDoNotHave() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: edits}
                roleRef: {kind: ClusterRole, name: admin}
                subjects: [{kind: User, name: jane}]
                """)
            let context = RequestContext(cluster: fixture.cluster, user: jane)
            let roles = try fixture.resource("roles", "rbac.authorization.k8s.io")
            func role(_ name: String, _ group: String, _ resource: String) -> JSON {
                [
                    "metadata": ["name": .string(name)],
                    "rules": [["apiGroups": [.string(group)], "resources": [.string(resource)], "verbs": ["get"]]],
                ]
            }
            _ = try await fixture.registry.create(role("mine", "", "pods"), roles, namespace: "default", context)
            let error = await refusal {
                try await fixture.registry.create(role("theirs", "", "nodes"), roles, namespace: "default", context)
            }
            #expect(error?.code == 403)
            #expect(
                error?.message
                    == "roles.rbac.authorization.k8s.io \"theirs\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}"
            )
        }
    }

    @Test(
        arguments: [
            (
                "selfsubjectaccessreviews", [:],
                ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            ),
            (
                "selfsubjectaccessreviews", ["spec": ["resourceAttributes": [:], "nonResourceAttributes": ["path": "/x"]]],
                ".authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"\"}: cannot be specified in combination with resourceAttributes"
            ),
            (
                "subjectaccessreviews", ["metadata": ["name": "x"], "spec": ["resourceAttributes": [:]]],
                ".authorization.k8s.io \"\" is invalid: [spec.user: Invalid value: \"\": at least one of user or group must be specified, metadata: Invalid value: {\"name\":\"x\"}: must be empty]"
            ),
            (
                "subjectaccessreviews", ["spec": ["user": "u", "resourceAttributes": ["labelSelector": [:]]]],
                ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required"
            ),
            (
                "localsubjectaccessreviews", ["spec": ["user": "u", "resourceAttributes": ["namespace": "other"]]],
                ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: \"other\": must match metadata.namespace"
            ),
            (
                "localsubjectaccessreviews", ["spec": ["user": "u", "nonResourceAttributes": ["path": "/x", "verb": "get"]]],
                ".authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"get\"}: disallowed on this kind of request"
            ),
            (
                "localsubjectaccessreviews",
                ["metadata": ["namespace": "other"], "spec": ["user": "u", "resourceAttributes": [:]]],
                "the namespace of the provided object does not match the namespace sent on the request"
            ),
        ] as [(String, JSON, String)])
    func reviewsAreWhole(_ plural: String, _ review: JSON, _ message: String) async throws {
        try await withRegistry { fixture in
            let reviews = try fixture.resource(plural, "authorization.k8s.io")
            let context = RequestContext(cluster: fixture.cluster, user: jane)
            let error = await #expect(throws: StatusError.self) {
                _ = try await fixture.registry.create(
                    review, reviews, namespace: plural.hasPrefix("local") ? "default" : "", context)
            }
            #expect(error?.message == message)
        }
    }

    @Test func reviewsAnswer() async throws {
        try await withRegistry { fixture in
            let reviews = try fixture.resource("selfsubjectaccessreviews", "authorization.k8s.io")
            let context = RequestContext(cluster: fixture.cluster, user: jane)
            let answer = try await fixture.registry.create(
                ["spec": ["resourceAttributes": ["verb": "list", "resource": "pods", "namespace": "default"]]], reviews,
                namespace: "", context
            ).answer.tree
            #expect(answer["status"] == ["allowed": false])
            #expect(answer["kind"] == "SelfSubjectAccessReview")
            let me = try await fixture.registry.create(
                [:], try fixture.resource("selfsubjectreviews", "authentication.k8s.io"), namespace: "", context
            ).answer.tree
            #expect(me[path: "status", "userInfo", "username"] == "jane")
        }
    }
}
