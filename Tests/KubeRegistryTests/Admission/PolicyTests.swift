import KubeObject
import KubeSchema
import KubeStore
import Testing

@testable import KubeRegistry

extension Fixture {
    /// Makes a policy on config maps and its binding.
    fileprivate func addPolicy(
        _ name: String = "p", isMutating: Bool = false, spec: String, binding: String = "validationActions: [Deny]",
        resources: String = "apiGroups: [\"\"], apiVersions: [v1], resources: [configmaps]"
    ) async throws {
        let kind = isMutating ? "Mutating" : "Validating"
        func indented(_ text: String) -> String { text.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") }
        try await create(
            """
            apiVersion: admissionregistration.k8s.io/v1
            kind: \(kind)AdmissionPolicy
            metadata: {name: \(name)}
            spec:
              matchConstraints: {resourceRules: [{operations: ["*"], \(resources)}]}
            \(indented(spec))
            """)
        try await create(
            """
            apiVersion: admissionregistration.k8s.io/v1
            kind: \(kind)AdmissionPolicyBinding
            metadata: {name: \(name)-b}
            spec:
              policyName: \(name)
            \(indented(binding))
            """)
    }
}

@Suite struct ValidatingPolicyTests {
    @Test(arguments: [
        ("{expression: \"object.data.a != 'b'\"}", 422, "Invalid", "failed expression: object.data.a != 'b'"),
        ("{expression: \"false\", message: no maps, reason: Forbidden}", 403, "Forbidden", "no maps"),
        (
            "{expression: \"false\", message: sorry, reason: Unauthorized, messageExpression: \"'not ' + object.metadata.name\"}",
            401,
            "Unauthorized", "not m"
        ),
        ("{expression: \"false\", message: sorry, messageExpression: \"object.x.y\"}", 422, "Invalid", "sorry"),
        (
            "{expression: \"object.x.y\"}", 422, "Invalid",
            "expression 'object.x.y' resulted in error: no such key: x"
        ),
        ("{expression: \"variables.early == 'nobody'\", messageExpression: \"variables.late\"}", 422, "Invalid", "admin is late"),
        (
            "{expression: \"namespaceObject.metadata.name == 'x'\", messageExpression: \"namespaceObject.metadata.name\"}", 422,
            "Invalid", "default"
        ),
        (
            "{expression: \"authorizer.serviceAccount('default', 'x').group('').resource('pods').check('get').allowed()\"}", 422,
            "Invalid",
            "failed expression: authorizer.serviceAccount('default', 'x').group('').resource('pods').check('get').allowed()"
        ),
    ])
    func `a validation that isn't met refuses`(_ validation: String, _ code: Int, _ reason: String, _ message: String)
        async throws
    {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                spec: """
                    variables: [{name: early, expression: request.userInfo.username}, {name: late, expression: "variables.early + ' is late'"}]
                    validations: [\(validation)]
                    """)
            let error = try #require(await refusal { try await fixture.create(configMap("m")) })
            #expect(error.code == code && error.reason == reason)
            let said = "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: \(message)"
            #expect(error.message == "configmaps \"m\" is forbidden: \(said)")
            #expect(error.details?["causes"] == [["message": .string(said)]])
        }
    }

    @Test(arguments: [
        "validations: [{expression: \"object.data.a == 'b' && request.operation == 'CREATE' && oldObject == null\"}]",
        "failurePolicy: Ignore\nvalidations: [{expression: object.x.y}]",
        "matchConditions: [{name: c, expression: \"object.data.a == 'c'\"}]\nvalidations: [{expression: \"false\"}]",
        "validations: [{expression: \"authorizer.requestResource.check('create').allowed() && !has(variables.none)\"}]",
    ])
    func `what is met, ignored or not meant passes`(_ spec: String) async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(spec: spec)
            try await fixture.create(configMap("m"))
        }
    }

    @Test func `warnings and annotations are noted, and nothing is refused`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                spec: """
                    validations: [{expression: "true"}, {expression: "false", message: hm}]
                    auditAnnotations: [{key: who, valueExpression: request.userInfo.username}, {key: none, valueExpression: "null"}]
                    """, binding: "validationActions: [Warn, Audit]")
            var context = fixture.admin
            let notes = RequestNotes()
            context.notes = notes
            _ = try await fixture.registry.create(
                try parse(configMap("m")), try fixture.resource("configmaps"), namespace: "default", context)
            #expect(notes.warnings == ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': hm"])
            #expect(notes.annotations["p/who"] == "admin")
            #expect(notes.annotations["p/none"] == nil)
            let failure = try #require(notes.annotations["validation.policy.admission.k8s.io/validation_failure"])
            #expect(
                try JSON(parsing: failure.utf8) == [
                    [
                        "message": "hm", "policy": "p", "binding": "p-b", "expressionIndex": 1,
                        "validationActions": ["Warn", "Audit"],
                    ]
                ])
        }
    }

    @Test(
        arguments: [
            (
                "paramRef: {name: limits, parameterNotFoundAction: Deny}",
                "with binding 'p-b' denied request: failed expression: object.data.a == params.data.a"
            ),
            ("paramRef: {name: limits, namespace: default, parameterNotFoundAction: Deny}", "denied request: failed expression"),
            (
                "paramRef: {selector: {matchLabels: {is: limit}}, parameterNotFoundAction: Deny}",
                "denied request: failed expression"
            ),
            (
                "paramRef: {name: none, parameterNotFoundAction: Deny}",
                "with binding 'p-b' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
            ),
            ("paramRef: {name: none, parameterNotFoundAction: Allow}", nil),
        ] as [(String, String?)])
    func `parameters are found by name or by labels`(_ reference: String, _ message: String?) async throws {
        try await withRegistry { fixture in
            try await fixture.create(configMap("limits", labels: "is: limit").replacing("{a: b}", with: "{a: z}"))
            try await fixture.addPolicy(
                spec: """
                    paramKind: {apiVersion: v1, kind: ConfigMap}
                    validations: [{expression: object.data.a == params.data.a}]
                    """, binding: "\(reference)\nvalidationActions: [Deny]")
            let error = await refusal { try await fixture.create(configMap("m")) }
            if let message { #expect(error?.message.contains(message) == true) } else { #expect(error == nil) }
        }
    }

    @Test func `parameters of an unknown kind are the policy's fault`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                spec: """
                    paramKind: {apiVersion: example.com/v1, kind: Limit}
                    validations: [{expression: "true"}]
                    """, binding: "paramRef: {name: x, parameterNotFoundAction: Allow}\nvalidationActions: [Deny]")
            let error = await refusal { try await fixture.create(configMap("m")) }
            #expect(
                error?.message
                    == "configmaps \"m\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'"
            )
        }
    }

    @Test func `an expression that costs too much is stopped`() async throws {
        try await withRegistry { fixture in
            let range = "[" + (0..<100).map(String.init).joined(separator: ",") + "]"
            try await fixture.addPolicy(
                spec:
                    "validations: [{expression: \"\(range).all(a, \(range).all(b, \(range).all(c, \(range).all(d, a + b + c + d >= 0))))\"}]"
            )
            let error = await refusal { try await fixture.create(configMap("m")) }
            #expect(error?.code == 422)
            #expect(error?.message.contains("operation cancelled: actual cost limit exceeded") == true)
        }
    }

    @Test func `who makes or binds a policy must be allowed to read its parameters`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: policies}
                rules: [{apiGroups: [admissionregistration.k8s.io], resources: ["*"], verbs: ["*"]}]
                """)
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: policies}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: policies}
                subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
                """)
            let jane = RequestContext(cluster: fixture.cluster, user: UserInfo(name: "jane", groups: ["system:authenticated"]))
            let policy = try parse(
                """
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicy
                metadata: {name: spy}
                spec:
                  paramKind: {apiVersion: v1, kind: Secret}
                  matchConstraints: {resourceRules: [{operations: ["*"], apiGroups: [""], apiVersions: [v1], resources: [configmaps]}]}
                  validations: [{expression: "false", messageExpression: string(params.data)}]
                """)
            let policies = try fixture.resource("validatingadmissionpolicies", "admissionregistration.k8s.io")
            let error = await refusal { try await fixture.registry.create(policy, policies, namespace: "", jane) }
            #expect(error?.code == 422)
            #expect(
                error?.message.contains(
                    "spec.paramKind: Forbidden: user jane must have \"get\" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)"
                ) == true)
            _ = try await fixture.registry.create(policy, policies, namespace: "", fixture.admin)
            let binding = try parse(
                """
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicyBinding
                metadata: {name: spy}
                spec:
                  policyName: spy
                  paramRef: {name: keys, namespace: kube-system, parameterNotFoundAction: Deny}
                  validationActions: [Deny]
                """)
            let bindings = try fixture.resource("validatingadmissionpolicybindings", "admissionregistration.k8s.io")
            let refused = await refusal { try await fixture.registry.create(binding, bindings, namespace: "", jane) }
            #expect(refused?.message.contains("does not have \"get\" permission on the object referenced by paramRef") == true)
        }
    }

    @Test func `policies cannot be about policies, but about webhooks`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                spec: "validations: [{expression: \"false\"}]",
                resources: "apiGroups: [\"*\"], apiVersions: [\"*\"], resources: [\"*\"]")
            let error = await refusal { try await fixture.addWebhook("w") }
            #expect(
                error?.message.contains("validatingwebhookconfigurations.admissionregistration.k8s.io \"w\" is forbidden") == true
            )
            let group = "admissionregistration.k8s.io"
            try await fixture.registry.delete(
                try fixture.resource("validatingadmissionpolicybindings", group), namespace: "", name: "p-b", fixture.admin)
            try await fixture.create(configMap("m"))
        }
    }
}

@Suite struct MutatingPolicyTests {
    @Test func `a configuration is merged by the rules of server-side apply`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                isMutating: true,
                spec: """
                    reinvocationPolicy: Never
                    mutations:
                    - patchType: ApplyConfiguration
                      applyConfiguration:
                        expression: >
                          Object{
                            metadata: Object.metadata{annotations: {"from": request.userInfo.username}},
                            spec: Object.spec{replicas: object.spec.replicas + 2, template: Object.spec.template{spec: Object.spec.template.spec{
                              containers: [Object.spec.template.spec.containers{name: "side", image: "proxy:1"}]}}}
                          }
                    """, binding: "", resources: "apiGroups: [apps], apiVersions: [v1], resources: [deployments]")
            let made = try await fixture.create(nginx)
            #expect(made[path: "spec", "replicas"] == 3)
            #expect(made[path: "metadata", "annotations", "from"] == "admin")
            let containers = made[path: "spec", "template", "spec", "containers"]?.elements ?? []
            #expect(containers.map { $0.text("image") } == ["nginx:1.27", "proxy:1"])
            #expect(containers[1].text("imagePullPolicy") == "IfNotPresent")
        }
    }

    @Test func `a patch is carried out, unless its test fails`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                isMutating: true,
                spec: """
                    reinvocationPolicy: Never
                    mutations:
                    - patchType: JSONPatch
                      jsonPatch:
                        expression: >
                          [JSONPatch{op: "test", path: "/data/a", value: "b"},
                           JSONPatch{op: "add", path: "/metadata/labels", value: {"a/b": "c"}},
                           JSONPatch{op: "replace", path: "/metadata/labels/" + jsonpatch.escapeKey("a/b"), value: "d"}]
                    """, binding: "")
            #expect(try await fixture.create(configMap("m"))[path: "metadata", "labels"] == ["a/b": "d"])
            let other = try await fixture.create(configMap("o").replacing("{a: b}", with: "{a: c}"))
            #expect(other[path: "metadata", "labels"]?.object?.isEmpty ?? true)
        }
    }

    @Test(arguments: [
        (
            "Object{data: Object.wrong{a: \"x\"}}",
            "type mismatch: unexpected type name \"Object.wrong\", expected \"Object.data\""
        ),
        (
            "Object{nothing: 1}",
            "error applying patch: failed to convert patch object to typed object: .nothing: field not declared in schema"
        ),
        ("object", "unsupported return type from ApplyConfiguration expression"),
        ("Object{data: {\"x\": object.y}}", "resulted in error: no such key: y"),
    ])
    func `what can't be merged refuses the request`(_ expression: String, _ message: String) async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                isMutating: true,
                spec: """
                    reinvocationPolicy: Never
                    mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: '\(expression)'}}]
                    """, binding: "")
            let error = try #require(await refusal { try await fixture.create(configMap("m")) })
            #expect(error.code == 403 && error.reason == "Invalid")
            #expect(error.message.hasPrefix("policy 'p' with binding 'p-b' denied request: "))
            #expect(error.message.contains(message))
        }
    }

    @Test func `lists that are one piece aren't replaced by accident`() async throws {
        try await withRegistry { fixture in
            try await fixture.addPolicy(
                isMutating: true,
                spec: """
                    reinvocationPolicy: Never
                    mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"a": "b"}}}}'}}]
                    """, binding: "", resources: "apiGroups: [apps], apiVersions: [v1], resources: [deployments]")
            let error = await refusal { try await fixture.create(nginx) }
            #expect(error?.message.contains("may not mutate atomic arrays, maps or structs: .spec.selector") == true)
        }
    }
}
