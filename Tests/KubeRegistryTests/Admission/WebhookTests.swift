import KubeObject
import KubeSchema
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct WebhookTests {
    @Test func `the review tells who wants what`() async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks()
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.addWebhook("all", resources: "*/*", operations: "\"*\"", group: "*", version: "*")
            try await fixture.create(
                configMap("one"), CreateOptions(dryRun: true, fieldValidation: .strict, fieldManager: "kubectl"))
            let request = try #require(hooks.requests.first)
            #expect(request["operation"] == "CREATE")
            #expect(request["kind"] == ["group": "", "version": "v1", "kind": "ConfigMap"])
            #expect(request["requestResource"] == ["group": "", "version": "v1", "resource": "configmaps"])
            #expect(request.text("name") == "one" && request.text("namespace") == "default")
            #expect(request["userInfo"] == ["username": "admin", "groups": ["system:masters"]])
            #expect(request["dryRun"] == true)
            #expect(request["oldObject"] == .null)
            #expect(request[path: "object", "data", "a"] == "b")
            #expect(
                request["options"] == [
                    "apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "dryRun": ["All"], "fieldManager": "kubectl",
                    "fieldValidation": "Strict",
                ])
            #expect(hooks.timeouts == [.seconds(10)])
        }
    }

    @Test func `updates and deletions tell the old object`() async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks()
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.create(configMap("one"))
            try await fixture.addWebhook("w", operations: "UPDATE, DELETE")
            let maps = try fixture.resource("configmaps")
            _ = try await fixture.registry.patch(
                .merge, ["data": ["a": "c"]], maps, namespace: "default", name: "one", fixture.admin)
            try await fixture.registry.delete(
                maps, namespace: "default", name: "one", DeleteOptions(gracePeriodSeconds: 3), fixture.admin)
            #expect(hooks.requests.map { $0.text("operation") } == ["UPDATE", "DELETE"])
            #expect(hooks.requests.map { $0[path: "oldObject", "data", "a"] } == ["b", "c"])
            #expect(hooks.requests.map { $0[path: "object", "data", "a"] } == ["c", nil])
            #expect(hooks.requests[0][path: "options", "kind"] == "UpdateOptions")
            #expect(hooks.requests[1]["options"]?["gracePeriodSeconds"] == 3)
        }
    }

    @Test(
        arguments: [
            (
                ["allowed": false, "status": ["message": "no way", "code": 403, "reason": "Forbidden"]], 403, "Forbidden",
                ": no way"
            ),
            (
                ["allowed": false, "status": ["reason": "BecauseISaidSo", "code": 200]], 400, "BecauseISaidSo", ": BecauseISaidSo"
            ),
            (["allowed": false], 400, "", " without explanation"),
        ] as [(JSON, Int, String, String)])
    func `a denial says who and why`(_ response: JSON, _ code: Int, _ reason: String, _ rest: String) async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(webhookClient: FakeWebhooks { _, _ in response })
            for isMutating in [true, false] {
                try await fixture.addWebhook(
                    isMutating ? "m" : "v", isMutating: isMutating, resources: isMutating ? "secrets" : "configmaps")
            }
            let error = try #require(await refusal { try await fixture.create(configMap("one")) })
            #expect(error.code == code && error.reason == reason)
            #expect(error.message == "admission webhook \"v.example.com\" denied the request\(rest)")
            let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}"
            #expect(
                await refusal { try await fixture.create(secret) }?.message
                    == "admission webhook \"m.example.com\" denied the request\(rest)")
            #expect(fixture.cluster.snapshot.get(Key(group: "", plural: "configmaps", namespace: "default", name: "one")) == nil)
        }
    }

    @Test func `the failure policy decides when nobody answers`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(
                webhookClient: FakeWebhooks { (url, _) throws(WebhookFailure) in
                    throw WebhookFailure("Post \"\(url)\": dial tcp: refused")
                })
            try await fixture.addWebhook("open", extra: "failurePolicy: Ignore")
            let notes = RequestNotes()
            var context = fixture.admin
            context.notes = notes
            _ = try await fixture.registry.create(
                try parse(configMap("one")), try fixture.resource("configmaps"), namespace: "default", context)
            #expect(notes.annotations == ["failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "open.example.com"])
            try await fixture.addWebhook("closed")
            let error = try #require(await refusal { try await fixture.create(configMap("two")) })
            #expect(error.code == 500 && error.reason == "InternalError")
            #expect(
                error.message
                    == "Internal error occurred: failed calling webhook \"closed.example.com\": failed to call webhook: Post \"https://hooks.example.com/closed\": dial tcp: refused"
            )
        }
    }

    @Test(
        arguments: [
            (["allowed": true, "uid": "other"], "received invalid webhook response: expected response.uid="),
            (
                ["allowed": true, "patch": "W10="],
                "received invalid webhook response: webhook returned response.patch but not response.patchType"
            ),
            (
                ["allowed": true, "patch": "W10=", "patchType": "Merge"],
                "webhook returned invalid response.patchType of \"Merge\""
            ),
            (["allowed": true, "patch": "e30=", "patchType": "JSONPatch"], "received undecodable patch in webhook response"),
        ] as [(JSON, String)])
    func `a bad answer is a failure`(_ response: JSON, _ text: String) async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(webhookClient: FakeWebhooks { _, _ in response })
            try await fixture.addWebhook("m", isMutating: true)
            let error = try #require(await refusal { try await fixture.create(configMap("one")) })
            #expect(error.code == 500)
            #expect(error.message.contains("failed calling webhook \"m.example.com\": ") && error.message.contains(text))
        }
    }

    @Test func `patches are applied and defaults follow`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(
                webhookClient: FakeWebhooks { _, _ in
                    FakeWebhooks.patch([
                        ["op": "add", "path": "/spec/containers/-", "value": ["name": "sidecar", "image": "proxy:1"]],
                        ["op": "add", "path": "/spec/unknown", "value": 1],
                    ])
                })
            try await fixture.addWebhook("m", isMutating: true, resources: "pods")
            let made = try await fixture.create(pod("p"))
            let sidecar = try #require(made[path: "spec", "containers"]?[1])
            #expect(sidecar.text("name") == "sidecar" && sidecar.text("imagePullPolicy") == "IfNotPresent")
            #expect(made["spec"]?["unknown"] == nil)
            // The second round of the built-in plugins completes what the webhook has added.
            #expect(sidecar["volumeMounts"]?[0]?.text("mountPath") == "/var/run/secrets/kubernetes.io/serviceaccount")
        }
    }

    @Test func `willing webhooks are asked again when others change the object`() async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks { url, request in
                let name = String(url.suffix(1))
                if request[path: "object", "data", name] != nil { return ["allowed": true] }
                return FakeWebhooks.patch([["op": "add", "path": .string("/data/\(name)"), "value": "x"]])
            }
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.addWebhook("w", isMutating: true, extra: "reinvocationPolicy: IfNeeded")
            try await fixture.addWebhook("x", isMutating: true)
            try await fixture.addWebhook("z", isMutating: true, extra: "reinvocationPolicy: IfNeeded")
            let made = try await fixture.create(configMap("one"))
            #expect(made["data"] == ["a": "b", "w": "x", "x": "x", "z": "x"])
            #expect(hooks.urls.map { String($0.suffix(1)) } == ["w", "x", "z", "w"])
        }
    }

    @Test func `an object that goes cannot be changed`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(configMap("one"))
            fixture.registry.attach(
                webhookClient: FakeWebhooks { _, _ in FakeWebhooks.patch([["op": "remove", "path": "/data"]]) })
            try await fixture.addWebhook("m", isMutating: true, operations: "DELETE")
            let error = await refusal {
                try await fixture.registry.delete(
                    try fixture.resource("configmaps"), namespace: "default", name: "one", fixture.admin)
            }
            #expect(
                error?.message
                    == "Internal error occurred: admission webhook \"m.example.com\" attempted to modify the object, which is not supported for this operation"
            )
        }
    }

    @Test func `webhooks cannot hold up their own removal`() async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks { _, _ in ["allowed": false] }
            fixture.registry.attach(webhookClient: hooks)
            for isMutating in [true, false] {
                try await fixture.addWebhook(
                    "w\(isMutating)", isMutating: isMutating, resources: "*/*", operations: "\"*\"", group: "*", version: "*")
            }
            let group = "admissionregistration.k8s.io"
            try await fixture.registry.delete(
                try fixture.resource("validatingwebhookconfigurations", group), namespace: "", name: "wfalse", fixture.admin)
            try await fixture.registry.delete(
                try fixture.resource("mutatingwebhookconfigurations", group), namespace: "", name: "wtrue", fixture.admin)
            #expect(hooks.requests.isEmpty)
            try await fixture.create(configMap("one"))
        }
    }

    @Test(arguments: [
        ("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}", 1),
        ("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}", 0),
        ("objectSelector: {matchLabels: {on: \"yes\"}}", 1),
        ("objectSelector: {matchLabels: {on: \"no\"}}", 0),
        ("matchConditions: [{name: c, expression: \"object.data.a == 'b' && request.userInfo.username == 'admin'\"}]", 1),
        ("matchConditions: [{name: c, expression: \"authorizer.group('').resource('pods').check('get').allowed()\"}]", 1),
        ("matchConditions: [{name: c, expression: \"authorizer.requestResource.check('create').allowed()\"}]", 1),
        ("matchConditions: [{name: c, expression: \"oldObject != null\"}]", 0),
        ("matchConditions: [{name: c, expression: \"object.nothing.at.all\"}, {name: d, expression: \"false\"}]", 0),
        ("failurePolicy: Ignore\nmatchConditions: [{name: c, expression: \"object.nothing.at.all\"}]", 0),
    ])
    func `selectors and conditions choose`(_ extra: String, _ calls: Int) async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks()
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.addWebhook("w", extra: extra)
            try await fixture.create(configMap("one", labels: "on: \"yes\""))
            #expect(hooks.requests.count == calls)
        }
    }

    @Test func `a condition without a value refuses when failures count`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(webhookClient: FakeWebhooks())
            try await fixture.addWebhook("w", extra: "matchConditions: [{name: c, expression: object.nothing.at}]")
            let error = try #require(await refusal { try await fixture.create(configMap("one")) })
            #expect(error.code == 403)
            #expect(
                error.message
                    == "configmaps \"one\" is forbidden: expression 'object.nothing.at' resulted in error: no such key: nothing")
        }
    }

    @Test func `other versions of the resource match unless exactly one is meant`() async throws {
        try await withRegistry { fixture in
            let hooks = FakeWebhooks()
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.addWebhook(
                "w", resources: "horizontalpodautoscalers", group: "autoscaling", version: "v1")
            try await fixture.addWebhook(
                "x", resources: "horizontalpodautoscalers", group: "autoscaling", version: "v1", extra: "matchPolicy: Exact")
            try await fixture.create(
                """
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: h}
                spec:
                  maxReplicas: 3
                  scaleTargetRef: {kind: Deployment, name: web, apiVersion: apps/v1}
                  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
                """)
            let request = try #require(hooks.requests.first)
            #expect(hooks.requests.count == 1)
            #expect(request["kind"]?.text("version") == "v1" && request["requestKind"]?.text("version") == "v2")
            #expect(request[path: "object", "apiVersion"] == "autoscaling/v1")
            #expect(request[path: "object", "spec", "targetCPUUtilizationPercentage"] == 50)
        }
    }

    @Test func `subresources show their own kinds`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            try await fixture.create(pod("p"))
            let hooks = FakeWebhooks { _, request in
                request.text("subResource") == "scale"
                    ? FakeWebhooks.patch([["op": "replace", "path": "/spec/replicas", "value": 7]]) : ["allowed": true]
            }
            fixture.registry.attach(webhookClient: hooks)
            try await fixture.addWebhook("m", isMutating: true, resources: "*/*", operations: "\"*\"", group: "*", version: "*")
            let scaled = try await fixture.registry.patch(
                .merge, ["spec": ["replicas": 2]], try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                subresource: "scale", fixture.admin)
            #expect(scaled.answer.tree[path: "spec", "replicas"] == 7)
            let binding: JSON = [
                "apiVersion": "v1", "kind": "Binding", "metadata": ["name": "p"], "target": ["kind": "Node", "name": "n"],
            ]
            _ = try await fixture.registry.create(
                binding, try fixture.resource("pods"), namespace: "default", name: "p", subresource: "binding", CreateOptions(),
                fixture.admin)
            let eviction: JSON = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]]
            _ = try await fixture.registry.create(
                eviction, try fixture.resource("pods"), namespace: "default", name: "p", subresource: "eviction", CreateOptions(),
                fixture.admin)
            try await fixture.registry.admitConnection(
                ["command": ["ls"]], try fixture.resource("pods"), namespace: "default", name: "p", subresource: "exec",
                fixture.admin)
            let told = hooks.requests.map {
                "\($0.text("operation")) \($0["resource"]?.text("resource") ?? "")/\($0.text("subResource")) \($0["kind"]?.text("kind") ?? "") \($0["object"]?.text("kind") ?? "")"
            }
            #expect(
                told == [
                    "UPDATE deployments/scale Scale Scale", "CREATE pods/binding Binding Binding",
                    "CREATE pods/eviction Eviction Eviction", "CONNECT pods/exec PodExecOptions PodExecOptions",
                ])
            #expect(hooks.requests.last?["options"] == .null)
            #expect(hooks.requests.first?[path: "oldObject", "kind"] == "Scale")
        }
    }

    @Test func `warnings and annotations are noted whatever the verdict`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(
                webhookClient: FakeWebhooks { _, _ in
                    ["allowed": false, "warnings": ["careful"], "auditAnnotations": ["why": "because"]]
                })
            try await fixture.addWebhook("w")
            var context = fixture.admin
            let notes = RequestNotes()
            context.notes = notes
            let error = await refusal { [context] in
                try await fixture.registry.create(
                    try parse(configMap("one")), try fixture.resource("configmaps"), namespace: "default", context)
            }
            #expect(error?.code == 400)
            #expect(notes.warnings == ["careful"])
            #expect(notes.annotations == ["w.example.com/why": "because"])
        }
    }

    @Test func `dry runs go only to those without side effects`() async throws {
        let tree = try parse(
            "{name: w.example.com, sideEffects: Some, clientConfig: {url: \"https://a\"}, admissionReviewVersions: [v1]}")
        try await withRegistry { fixture in
            fixture.registry.attach(webhookClient: FakeWebhooks())
            let request = AdmissionRequest(
                operation: .create, resource: try fixture.resource("configmaps"), subresource: "", namespace: "default",
                name: "one",
                object: [:], old: nil, isDryRun: true, context: fixture.admin, snapshot: fixture.cluster.snapshot,
                registry: fixture.registry)
            let call = WebhookCall(
                webhook: AdmissionWebhook(tree, configuration: "c", index: 0), isMutating: false)
            let target = AdmissionTarget(resource: request.resource, kind: request.kind)
            await #expect {
                _ = try await call.ask(request, as: target, object: [:], old: .null, deadline: .now.advanced(by: .seconds(5)))
            } throws: { error in
                guard case WebhookRefusal.failed(let status)? = error as? WebhookRefusal else { return false }
                return status.code == 400 && status.message == "admission webhook \"w.example.com\" does not support dry run"
            }
        }
    }

    @Test func `custom objects are changed in the version that is asked for`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            fixture.registry.attach(
                webhookClient: FakeWebhooks { _, request in
                    #expect(request[path: "object", "apiVersion"] == "example.com/v1beta1")
                    return FakeWebhooks.patch([
                        ["op": "replace", "path": "/spec/replicas", "value": 9], ["op": "add", "path": "/spec/mast", "value": 1],
                    ])
                })
            try await fixture.addWebhook(
                "m", isMutating: true, resources: "crontabs", group: "example.com", version: "v1beta1")
            let made = try await fixture.createCustom("{metadata: {name: b}, spec: {replicas: 1}}").answer.tree
            #expect(made.text("apiVersion") == "example.com/v1")
            #expect(made["spec"] == ["replicas": 9])
        }
    }
}

@Suite struct WebhookPatienceTests {
    @Test func `parts of the server do not wait twice for the same silence`() async throws {
        try await withRegistry { fixture in
            let patience = WebhookPatience()
            func request(_ url: String) -> WebhookRequest {
                WebhookRequest(
                    target: WebhookTarget(.url(url)), cluster: fixture.cluster, body: [], timeout: .seconds(1), maximumAnswer: 1)
            }
            let now = ContinuousClock.now
            try patience.check(request("https://a"), now: now)
            patience.note(request("https://a"), now: now)
            #expect(throws: WebhookFailure.self) { try patience.check(request("https://a"), now: now) }
            try patience.check(request("https://b"), now: now)
            try patience.check(request("https://a"), now: now.advanced(by: .seconds(31)))
            for url in ["https://b", "https://c"] { patience.note(request(url), now: now) }
            #expect(throws: WebhookFailure.self) { try patience.check(request("https://d"), now: now) }
        }
    }
}
