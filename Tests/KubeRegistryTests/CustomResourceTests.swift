import KubeObject
import KubeSchema
import KubeStore
import Synchronization
import Testing

@testable import KubeRegistry

/// A definition with two versions; `extra` goes into the schema of `spec`, `versionExtra` into v1.
func crontabs(
    _ extra: String = "", versionExtra: String = "", conversion: String = "{strategy: None}", storage: String = "v1"
) -> String {
    """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: crontabs.example.com}
    spec:
      group: example.com
      scope: Namespaced
      conversion: \(conversion)
      names: {plural: crontabs, kind: CronTab, shortNames: [ct], categories: [all]}
      versions:
      - name: v1
        served: true
        storage: \(storage == "v1")
        subresources:
          status: {}
          scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
        selectableFields: [{jsonPath: .spec.color}]
        additionalPrinterColumns: [{name: Replicas, type: integer, jsonPath: .spec.replicas}]\(versionExtra)
        schema:
          openAPIV3Schema:
            type: object
            properties:
              spec:
                type: object
                properties:
                  replicas: {type: integer, minimum: 0}
                  color: {type: string}
                  ports:
                    type: array
                    x-kubernetes-list-type: map
                    x-kubernetes-list-map-keys: [name]
                    items: {type: object, required: [name], properties: {name: {type: string}, port: {type: integer}}}\(extra)
              status:
                type: object
                properties: {replicas: {type: integer}, selector: {type: string}}
      - name: v1beta1
        served: true
        storage: \(storage == "v1beta1")
        deprecated: true
        schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
    """
}

extension Fixture {
    func definition() throws -> ResourceType { try resource("customresourcedefinitions", "apiextensions.k8s.io") }

    /// Creates or changes a definition, and establishes it, as the controller does.
    func define(_ yaml: String) async throws {
        let tree = try parse(yaml)
        let name = tree["metadata"]?.text("name") ?? ""
        if cluster.snapshot.get(try definition().key(namespace: "", name: name)) == nil {
            try await create(yaml, namespace: "")
        } else {
            try await registry.mutate(try definition(), namespace: "", name: name, admin) { $0["spec"] = tree["spec"] }
        }
        try await registry.mutate(try definition(), namespace: "", name: name, subresource: "status", admin) { tree in
            tree["status"] = CustomResourceStatus.status(of: tree, others: [], now: "2026-01-01T00:00:00Z")
        }
    }

    func custom(_ plural: String = "crontabs", version: String = "v1") throws -> ResourceType {
        try #require(registry.schema(of: cluster).resource(group: "example.com", version: version, plural: plural))
    }

    @discardableResult
    func createCustom(
        _ yaml: String, version: String = "v1", _ options: CreateOptions = CreateOptions()
    ) async throws -> WriteResult {
        var tree = try parse(yaml)
        tree.setDefault("apiVersion", .string("example.com/\(version)"))
        tree.setDefault("kind", "CronTab")
        return try await registry.create(tree, try custom(version: version), namespace: "default", options, admin)
    }

    func getCustom(_ name: String, version: String = "v1") async throws -> JSON {
        let resource = try custom(version: version)
        return try await registry.served(
            registry.get(resource, namespace: "default", name: name, admin), resource, in: cluster
        ).tree
    }
}

/// Converts by a function, as a webhook would.
private struct FakeWebhook: WebhookClient {
    var answer: @Sendable (JSON) throws(WebhookFailure) -> JSON

    func post(_ request: WebhookRequest) async throws(WebhookFailure) -> [UInt8] {
        guard let tree = Result(catching: { try JSON(parsing: request.body) }).value else { throw WebhookFailure("not JSON") }
        return try answer(tree).encoded()
    }

    /// Renames `color` of v1 to `colour` of v1beta1 and back.
    static func convert(_ review: JSON, _ change: (inout JSON) -> Void = { _ in }) -> JSON {
        let wanted = review["request"]?.text("desiredAPIVersion") ?? ""
        let objects = (review["request"]?["objects"]?.elements ?? []).map { object in
            var object = object
            object["apiVersion"] = .string(wanted)
            let (from, to) = wanted.hasSuffix("v1") ? ("colour", "color") : ("color", "colour")
            if let value = object[path: "spec", from] {
                object[path: "spec", from] = nil
                object[path: "spec", to] = value
            }
            change(&object)
            return object
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": [
                "uid": review[path: "request", "uid"] ?? "", "result": ["status": "Success"], "convertedObjects": .array(objects),
            ],
        ]
    }
}

@Suite("Custom resources")
struct CustomResourceTests {
    @Test func `a definition is served when it is established, and no longer when it is gone`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(crontabs(), namespace: "")
            #expect(fixture.registry.schema(of: fixture.cluster) === fixture.registry.schema)
            try await fixture.define(crontabs())
            let schema = fixture.registry.schema(of: fixture.cluster)
            #expect(schema.resource(GroupResource(group: "example.com", resource: "crontabs"))?.version == "v1")
            #expect(schema.group("example.com")?.versions.map(\.groupVersion.version) == ["v1", "v1beta1"])
            #expect(fixture.registry.schema(of: fixture.cluster) === schema)

            let stored = try fixture.get(
                "customresourcedefinitions", "crontabs.example.com", group: "apiextensions.k8s.io", namespace: "")
            #expect(stored[path: "status", "storedVersions"] == ["v1"])
            #expect(stored[path: "metadata", "generation"] == 1)
            _ = try await fixture.cluster.commit([
                .delete(try fixture.definition().key(namespace: "", name: "crontabs.example.com"))
            ])
            #expect(fixture.registry.schema(of: fixture.cluster) === fixture.registry.schema)
            #expect(fixture.cluster.attachment == nil)
        }
    }

    @Test func `clusters with the same definitions share one schema, others have their own`() async throws {
        try await withRegistry { fixture in
            var clusters: [Fixture] = [fixture]
            for name in ["b", "c"] {
                let cluster = try await fixture.registry.createCluster(name, record: [:], certificateAuthority: "PEM")
                clusters.append(
                    Fixture(
                        registry: fixture.registry, cluster: cluster,
                        admin: RequestContext(cluster: cluster, user: fixture.admin.user)))
            }
            for cluster in clusters { try await cluster.define(crontabs()) }
            let schemas = clusters.map { $0.registry.schema(of: $0.cluster) }
            #expect(schemas[0] === schemas[1] && schemas[1] === schemas[2])
            try await clusters[2].define(crontabs("\n              size: {type: string}"))
            let other = fixture.registry.schema(of: clusters[2].cluster)
            #expect(other !== schemas[0])
            #expect(fixture.registry.schema(of: clusters[1].cluster) === schemas[0])
            #expect(fixture.registry.customSchemas.counts.definitions == 2)

            try await clusters[0].createCustom("{metadata: {name: a}, spec: {size: big}}")
            try await clusters[2].createCustom("{metadata: {name: a}, spec: {size: big}}")
            #expect(try await clusters[0].getCustom("a")[path: "spec", "size"] == nil)
            #expect(try await clusters[2].getCustom("a")[path: "spec", "size"] == "big")
        }
    }

    @Test func `a new default is seen in objects that were stored before it, and stored with the next write`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            try await fixture.createCustom("{metadata: {name: old}, spec: {color: red}}")
            try await fixture.define(crontabs("\n              size: {type: string, default: small}"))
            #expect(try await fixture.getCustom("old")[path: "spec", "size"] == "small")
            let key = try fixture.custom().key(namespace: "default", name: "old")
            #expect(fixture.cluster.snapshot.get(key)?.tree[path: "spec", "size"] == nil)

            let stream = try fixture.registry.watch(try fixture.custom(), namespace: "default", fixture.admin)
            var events = stream.makeAsyncIterator()
            #expect(await events.next()?.first?.object.tree[path: "spec", "size"] == "small")

            try await fixture.registry.mutate(try fixture.custom(), namespace: "default", name: "old", fixture.admin) { _ in }
            #expect(fixture.cluster.snapshot.get(key)?.tree[path: "spec", "size"] == "small")
            #expect(try await fixture.getCustom("old")[path: "metadata", "generation"] == 1)
        }
    }

    @Test func `a watch ends after what it has to say when the definition changes`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            let stream = try fixture.registry.watch(try fixture.custom(), namespace: "default", fixture.admin)
            try await fixture.createCustom("{metadata: {name: a}, spec: {color: red}}")
            try await fixture.define(crontabs("\n              size: {type: string}"))
            var kinds: [WatchEvent.Kind] = []
            for await batch in stream { kinds += batch.map(\.type) }
            #expect(kinds == [.added])
        }
    }

    @Test func `what isn't specified is pruned, warned of or refused`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            let yaml = "{metadata: {name: a}, spec: {color: red, foo: bar}}"
            let error = await refusal { try await fixture.createCustom(yaml, CreateOptions(fieldValidation: .strict)) }
            #expect(error?.code == 400)
            #expect(
                error?.message
                    == "CronTab in version \"v1\" cannot be handled as a CronTab: strict decoding error: unknown field \"spec.foo\""
            )
            let result = try await fixture.createCustom(yaml, CreateOptions(fieldValidation: .warn))
            #expect(result.warnings == ["unknown field \"spec.foo\""])
            #expect(result.answer.tree["spec"] == ["color": "red"])
            #expect(result.answer.tree[path: "metadata", "generation"] == 1)
        }
    }

    @Test func `an update without a resourceVersion is refused, and validation is upstream's`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            try await fixture.createCustom("{metadata: {name: a}, spec: {replicas: 1}}")
            let error = await refusal { try await fixture.createCustom("{metadata: {name: b}, spec: {replicas: -1}}") }
            #expect(
                error?.message
                    == "CronTab.example.com \"b\" is invalid: [spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0, .spec.replicas: Invalid value: -1: should be a non-negative integer]"
            )
            let tree = try parse("{apiVersion: example.com/v1, kind: CronTab, metadata: {name: a}, spec: {replicas: 2}}")
            let update = await refusal {
                try await fixture.registry.update(tree, try fixture.custom(), namespace: "default", name: "a", fixture.admin)
            }
            #expect(update?.code == 422)
            #expect(update?.message.hasSuffix("must be specified for an update") == true)
        }
    }

    @Test func `status and scale are parts of their own, and generation counts what is desired`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            let created = try await fixture.createCustom("{metadata: {name: a}, spec: {replicas: 1}, status: {replicas: 7}}")
            #expect(created.answer.tree["status"] == nil)
            let resource = try fixture.custom()
            try await fixture.registry.mutate(
                resource, namespace: "default", name: "a", subresource: "status", fixture.admin
            ) { tree in
                tree[path: "metadata", "labels"] = ["x": "y"]
                tree[path: "spec", "replicas"] = 9
                tree["status"] = ["replicas": 1, "selector": "app=a"]
            }
            var tree = try await fixture.getCustom("a")
            #expect(tree[path: "spec", "replicas"] == 1)
            #expect(tree[path: "metadata", "labels"] == nil)
            #expect(tree[path: "metadata", "generation"] == 1)

            let scale = try await fixture.registry.get(
                resource, namespace: "default", name: "a", subresource: "scale", fixture.admin
            ).tree
            #expect(scale["spec"] == ["replicas": 1])
            #expect(scale["status"] == ["replicas": 1, "selector": "app=a"])
            let patched = try await fixture.registry.patch(
                .merge, ["spec": ["replicas": 5]], resource, namespace: "default", name: "a", subresource: "scale", fixture.admin)
            #expect(patched.answer.tree["spec"] == ["replicas": 5])
            tree = try await fixture.getCustom("a")
            #expect(tree[path: "metadata", "generation"] == 2)
            #expect(tree[path: "status", "replicas"] == 1)
        }
    }

    @Test func `strategic merge patches are refused, the others are taken`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            try await fixture.createCustom("{metadata: {name: a}, spec: {replicas: 1}}")
            let resource = try fixture.custom()
            func patch(_ type: PatchType, _ body: JSON, _ options: PatchOptions = PatchOptions()) async throws -> JSON {
                try await fixture.registry.patch(
                    type, body, resource, namespace: "default", name: "a", options, fixture.admin
                ).answer.tree
            }
            let error = await refusal { try await patch(.strategicMerge, ["spec": ["replicas": 2]]) }
            #expect(error?.code == 415)
            #expect(try await patch(.merge, ["spec": ["replicas": 2]])[path: "spec", "replicas"] == 2)
            #expect(
                try await patch(.json, [["op": "add", "path": "/spec/color", "value": "red"]])[path: "spec", "color"] == "red")
            let ports: JSON = ["apiVersion": "example.com/v1", "kind": "CronTab", "spec": ["ports": [["name": "a", "port": 1]]]]
            _ = try await patch(.apply, ports, PatchOptions(fieldManager: "one"))
            let more: JSON = ["apiVersion": "example.com/v1", "kind": "CronTab", "spec": ["ports": [["name": "b", "port": 2]]]]
            let applied = try await patch(.apply, more, PatchOptions(fieldManager: "two"))
            #expect(applied[path: "spec", "ports"]?.elements.count == 2)
            #expect(applied[path: "metadata", "managedFields"]?.elements.isEmpty == false)
        }
    }

    @Test func `a collection is deleted by selector, in the version that was asked for`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            for (name, colour) in [("a", "red"), ("b", "blue"), ("c", "red")] {
                try await fixture.createCustom(
                    "{metadata: {name: \(name), labels: {colour: \(colour)}}, spec: {schedule: '*'}}")
            }
            let result = try await fixture.registry.deleteCollection(
                try fixture.custom(), namespace: "default", ListOptions(labelSelector: "colour=red"), DeleteOptions(),
                fixture.admin)
            let items = result.answer.tree["items"]?.elements ?? []
            #expect(result.answer.tree["kind"] == "CronTabList" && result.answer.tree["metadata"]?["continue"] == "")
            #expect(items.map { $0["metadata"]?["name"] } == ["a", "c"] && items.allSatisfy { $0["kind"] == "CronTab" })
            let left = try fixture.registry.list(try fixture.custom(), namespace: "", fixture.admin)
            #expect(left.objects.map(\.metadata.name) == ["b"])
        }
    }

    @Test func `what an object is must be said`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(
                crontabs(
                    """

                                  inner: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
                    """))
            let resource = try fixture.custom()
            func refused(_ tree: JSON) async -> String? {
                await refusal { try await fixture.registry.create(tree, resource, namespace: "default", fixture.admin) }?.message
            }
            #expect(
                await refused(["kind": "CronTab", "metadata": ["name": "a"]])
                    == "the API version in the data () does not match the expected API version (example.com/v1)")
            #expect(
                await refused([
                    "apiVersion": "example.com/v1", "kind": "CronTab", "metadata": ["name": "a"],
                    "spec": ["inner": ["apiVersion": "v1", "kind": 1]],
                ])
                    == "CronTab in version \"v1\" cannot be handled as a CronTab: spec.inner.kind: Invalid value: 1: must be a string"
            )
        }
    }

    @Test func `rules see the object before`() async throws {
        let rule =
            "{rule: '!has(oldSelf.color) || self.color == oldSelf.color', message: color is immutable, reason: FieldValueForbidden, fieldPath: .color}"
        try await withRegistry { fixture in
            try await fixture.define(
                crontabs(
                    "\n              paint: {type: object, properties: {color: {type: string}}, x-kubernetes-validations: [\(rule)]}"
                ))
            try await fixture.createCustom("{metadata: {name: a}, spec: {paint: {color: red}}}")
            let error = await refusal {
                try await fixture.registry.patch(
                    .merge, ["spec": ["paint": ["color": "blue"]]], try fixture.custom(), namespace: "default", name: "a",
                    fixture.admin)
            }
            #expect(error?.message == "CronTab.example.com \"a\" is invalid: spec.paint.color: Forbidden: color is immutable")
        }
    }

    @Test func `field selectors know the selectable fields and no others`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            for color in ["red", "blue"] {
                try await fixture.createCustom("{metadata: {name: \(color)}, spec: {color: \(color)}}")
            }
            let resource = try fixture.custom()
            let list = try await fixture.registry.servedList(
                resource, namespace: "", ListOptions(fieldSelector: "spec.color=red"), fixture.admin)
            #expect(list.objects.map(\.metadata.name) == ["red"])
            let error = await refusal {
                try fixture.registry.list(resource, namespace: "", ListOptions(fieldSelector: "spec.size=1"), fixture.admin)
            }
            #expect(error?.message == "field label not supported: spec.size")
        }
    }

    @Test func `pages of selected objects follow each other`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            for index in 0..<12 {
                try await fixture.createCustom(
                    "{metadata: {name: o\(index + 10)}, spec: {color: \(index % 3 == 0 ? "red" : "blue")}}")
            }
            let resource = try fixture.custom()
            var (options, pages) = (ListOptions(fieldSelector: "spec.color=red", limit: 3), [[String]]())
            repeat {
                let page = try await fixture.registry.servedList(resource, namespace: "", options, fixture.admin)
                pages.append(page.objects.map(\.metadata.name))
                options.continueToken = page.continueToken
            } while !options.continueToken.isEmpty
            #expect(pages == [["o10", "o13", "o16"], ["o19"]])
        }
    }

    @Test func `columns are the definition's`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            try await fixture.createCustom("{metadata: {name: a}, spec: {replicas: 3}}")
            let resource = try fixture.custom()
            let objects = try fixture.registry.list(resource, namespace: "", fixture.admin).objects
            let table = Table.table(objects, resource, metadata: [:], include: .none)
            #expect(table["columnDefinitions"]?.elements.map { $0.text("name") } == ["Name", "Replicas"])
            #expect(table["rows"]?.elements.first?["cells"] == ["a", 3])
        }
    }

    @Test func `versions without conversion differ in their name only`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            let created = try await fixture.createCustom("{metadata: {name: a}, spec: {color: red}}", version: "v1beta1")
            #expect(created.answer.tree["apiVersion"] == "example.com/v1beta1")
            #expect(try await fixture.getCustom("a")["apiVersion"] == "example.com/v1")
            let key = try fixture.custom().key(namespace: "default", name: "a")
            #expect(fixture.cluster.snapshot.get(key)?.apiVersion == "example.com/v1")

            try await fixture.define(crontabs(storage: "v1beta1"))
            #expect(fixture.cluster.snapshot.get(key)?.apiVersion == "example.com/v1")
            #expect(try await fixture.getCustom("a", version: "v1beta1")["apiVersion"] == "example.com/v1beta1")
            // An update that changes nothing migrates.
            try await fixture.registry.mutate(try fixture.custom(), namespace: "default", name: "a", fixture.admin) { _ in }
            #expect(fixture.cluster.snapshot.get(key)?.apiVersion == "example.com/v1beta1")
            let revision = fixture.cluster.revision
            try await fixture.registry.mutate(try fixture.custom(), namespace: "default", name: "a", fixture.admin) { _ in }
            #expect(fixture.cluster.revision == revision)
            let stored = try fixture.get(
                "customresourcedefinitions", "crontabs.example.com", group: "apiextensions.k8s.io", namespace: "")
            #expect(stored[path: "status", "storedVersions"] == ["v1", "v1beta1"])
        }
    }

    static let webhook =
        "{strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {url: 'https://hook.example'}}}"

    @Test func `a webhook converts what is read, written, listed and watched`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(webhookClient: FakeWebhook { review throws(WebhookFailure) in FakeWebhook.convert(review) })
            try await fixture.define(crontabs(conversion: Self.webhook))
            let beta = try fixture.custom(version: "v1beta1")
            let stream = try fixture.registry.watch(beta, namespace: "default", fixture.admin)
            let created = try await fixture.createCustom("{metadata: {name: a}, spec: {colour: red}}", version: "v1beta1")
            #expect(created.answer.tree["spec"] == ["colour": "red"])
            #expect(try await fixture.getCustom("a")["spec"] == ["color": "red"])
            _ = try await fixture.registry.patch(
                .merge, ["spec": ["colour": "blue"]], beta, namespace: "default", name: "a", fixture.admin)
            #expect(try await fixture.getCustom("a")["spec"] == ["color": "blue"])
            let list = try fixture.registry.list(beta, namespace: "", fixture.admin)
            let served = try await fixture.registry.served(list.objects, beta, in: fixture.cluster)
            #expect(served.map { $0.tree["spec"] } == [["colour": "blue"]])
            var events = stream.makeAsyncIterator()
            #expect(await events.next()?.first?.object.tree["spec"] == ["colour": "red"])
        }
    }

    @Test func `a webhook's failures are told in upstream's words`() async throws {
        let bad: [(@Sendable (JSON) throws(WebhookFailure) -> JSON, String)] = [
            (
                { _ throws(WebhookFailure) in throw WebhookFailure("Post \"https://hook.example?timeout=30s\": EOF") },
                "conversion webhook for example.com/v1, Kind=CronTab failed: Post \"https://hook.example?timeout=30s\": EOF"
            ),
            (
                { review throws(WebhookFailure) in FakeWebhook.convert(review) { $0[path: "metadata", "name"] = "other" } },
                "conversion webhook for example.com/v1, Kind=CronTab returned invalid object: must have the same name: a != other"
            ),
            (
                { review throws(WebhookFailure) in FakeWebhook.convert(review) { $0["metadata"] = nil } },
                "conversion webhook for example.com/v1, Kind=CronTab returned invalid object: must have the same name: a != "
            ),
            (
                { review throws(WebhookFailure) in
                    var answer = FakeWebhook.convert(review)
                    answer[path: "response", "uid"] = "x"
                    answer[path: "response", "result"] = ["status": "Failed", "message": "no"]
                    answer[path: "response", "uid"] = review[path: "request", "uid"]
                    return answer
                }, "conversion webhook for example.com/v1, Kind=CronTab failed: no"
            ),
            (
                { review throws(WebhookFailure) in
                    var answer = FakeWebhook.convert(review)
                    answer[path: "response", "convertedObjects"] = []
                    return answer
                }, "conversion webhook for example.com/v1, Kind=CronTab returned 0 objects, expected 1"
            ),
        ]
        try await withRegistry { fixture in
            try await fixture.define(crontabs(conversion: Self.webhook))
            try await fixture.createCustom("{metadata: {name: a}, spec: {color: red}}")
            for (answer, message) in bad {
                fixture.registry.attach(webhookClient: FakeWebhook(answer: answer))
                let error = await refusal { try await fixture.getCustom("a", version: "v1beta1") }
                #expect(error?.message == message)
                #expect(error?.code == 500)
            }
            // What is asked for in the stored version needs no webhook.
            #expect(try await fixture.getCustom("a")["spec"] == ["color": "red"])
        }
    }

    @Test func `labels may change in conversion, other metadata stays`() async throws {
        try await withRegistry { fixture in
            fixture.registry.attach(
                webhookClient: FakeWebhook { review throws(WebhookFailure) in
                    FakeWebhook.convert(review) { object in
                        object[path: "metadata", "labels"] = ["new": "yes"]
                        object[path: "metadata", "creationTimestamp"] = "1999-01-01T00:00:00Z"
                        object[path: "metadata", "resourceVersion"] = "1"
                    }
                })
            try await fixture.define(crontabs(conversion: Self.webhook))
            try await fixture.createCustom("{metadata: {name: a, labels: {old: 'yes'}}}")
            let stored = try await fixture.getCustom("a")
            let converted = try await fixture.getCustom("a", version: "v1beta1")
            #expect(converted[path: "metadata", "labels"] == ["new": "yes"])
            for key in ["creationTimestamp", "resourceVersion", "uid"] {
                #expect(converted[path: "metadata", key] == stored[path: "metadata", key])
            }
        }
    }

    @Test func `nothing is created while the definition is being deleted`() async throws {
        try await withRegistry { fixture in
            try await fixture.define(crontabs())
            let deleted = try await fixture.registry.delete(
                try fixture.definition(), namespace: "", name: "crontabs.example.com", fixture.admin)
            #expect(
                deleted.answer.tree[path: "metadata", "finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"])
            let error = await refusal { try await fixture.createCustom("{metadata: {name: a}}") }
            #expect(error?.code == 403)
            #expect(
                error?.message
                    == "crontabs.example.com \"a\" is forbidden: create not allowed while custom resource definition is terminating"
            )
            #expect(fixture.registry.schema(of: fixture.cluster).group("example.com") != nil)
        }
    }
}
