import KubeObject
import Testing

@testable import KubeSchema

private func yaml(_ text: String) throws -> JSON { try #require(try YAML.parse(text.utf8).first) }

@Suite("Definitions of custom resources")
struct CustomResourceTests {
    static let cron = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: crontabs.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: crontabs, kind: CronTab, shortNames: [ct]}
          versions:
          - {name: v1beta1, served: true, storage: false, deprecated: true, schema: {openAPIV3Schema: {type: object}}}
          - name: v1
            served: true
            storage: true
            subresources:
              status: {}
              scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
            selectableFields: [{jsonPath: .spec.color}]
            additionalPrinterColumns:
            - {name: Replicas, type: integer, jsonPath: .spec.replicas}
            - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
            - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      replicas: {type: integer, default: 1}
                      color: {type: string}
                      maybe: {type: string, nullable: true}
                      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                      ports:
                        type: array
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name, protocol]
                        items: {type: object, required: [name], properties: {name: {type: string}, protocol: {type: string, default: TCP}, port: {type: integer}}}
                  status: {type: object, x-kubernetes-preserve-unknown-fields: true}
        """

    private func definition() throws -> JSON {
        var tree = try yaml(Self.cron)
        CustomResourceDefinitionRules.applyDefaults(to: &tree)
        return tree
    }

    private func schema() throws -> Schema {
        Schema.builtin.adding(try CustomResourceDefinition(try definition()).resourceTypes())
    }

    @Test func `names are defaulted and a good definition is taken`() throws {
        let tree = try definition()
        #expect(tree[path: "spec", "names", "singular"] == "crontab")
        #expect(tree[path: "spec", "names", "listKind"] == "CronTabList")
        #expect(CustomResourceDefinitionRules.errors(in: tree).map(\.description) == [])
    }

    @Test(arguments: [
        (
            ["metadata", "name"], "x.example.com",
            "metadata.name: Invalid value: \"x.example.com\": must be spec.names.plural+\".\"+spec.group"
        ),
        (["spec", "scope"], "World", "spec.scope: Unsupported value: \"World\": supported values: \"Cluster\", \"Namespaced\""),
        (["spec", "group"], "example", "spec.group: Invalid value: \"example\": should be a domain with at least one dot"),
        (["spec", "group"], "a.k8s.io", "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups"),
        (["spec", "names", "plural"], "Cron", "spec.names.plural: Invalid value: \"Cron\": a DNS-1035 label must consist"),
        (
            ["spec", "names", "listKind"], "CronTab",
            "spec.names.listKind: Invalid value: \"CronTab\": kind and listKind may not be the same"
        ),
        (
            ["spec", "conversion", "strategy"], "Webhook",
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook"
        ),
    ])
    func `bad definitions are refused`(path: [String], value: String, expected: String) throws {
        var tree = try definition()
        tree[keys: path[...]] = .string(value)
        let errors = CustomResourceDefinitionRules.errors(in: tree).map(\.description)
        #expect(errors.contains { $0.hasPrefix(expected) }, "\(errors)")
    }

    @Test(arguments: [
        (
            "{url: 'http://a/b'}",
            ["url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]"]
        ),
        (
            "{url: 'https://u:p@a/b?x=1#f'}",
            [
                "url: Invalid value: \"u:p\": user information is not permitted in the URL",
                "url: Invalid value: \"f\": fragments are not permitted in the URL",
                "url: Invalid value: \"x=1\": query parameters are not permitted in the URL",
            ]
        ),
        ("{url: 'https://'}", ["url: Invalid value: \"\": host must be specified; desired format: https://host[/path]"]),
        ("{url: 'https://a:8443/b/c'}", []),
        ("{}", ["Required value: exactly one of url or service is required"]),
        ("{url: 'https://a', service: {name: a, namespace: b}}", ["Required value: exactly one of url or service is required"]),
        ("{service: {name: a, namespace: b, port: 443, path: /a/b}}", []),
        (
            "{service: {name: '', namespace: '', port: 0, path: a//b}}",
            [
                "service.name: Required value", "service.namespace: Required value",
                "service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
                "service.path: Invalid value: \"a//b\": must start with a '/'",
                "service.path: Invalid value: \"a//b\": segment[0] may not be empty",
                "service.path: Invalid value: \"a//b\": segment[1] may not be empty",
            ]
        ),
    ])
    func `where a webhook is is checked`(config: String, expected: [String]) throws {
        let errors = WebhookConfigRules.errors(in: try yaml(config), "c").map(\.description)
        #expect(errors == expected.map { $0.hasPrefix("Required") ? "c: \($0)" : "c.\($0)" })
    }

    @Test func `what all versions share is told once`() throws {
        var tree = try definition()
        let version = try yaml(
            "{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {}}}}}")
        var second = version
        second["name"] = "v2"
        second["storage"] = false
        tree[path: "spec", "versions"] = [version, second]
        #expect(
            CustomResourceDefinitionRules.errors(in: tree).map(\.path) == ["spec.validation.openAPIV3Schema.properties[a].type"])
        second[path: "schema", "openAPIV3Schema", "description"] = "other"
        tree[path: "spec", "versions"] = [version, second]
        #expect(
            CustomResourceDefinitionRules.errors(in: tree).map(\.path) == [
                "spec.versions[0].schema.openAPIV3Schema.properties[a].type",
                "spec.versions[1].schema.openAPIV3Schema.properties[a].type",
            ])
        second["storage"] = true
        tree[path: "spec", "versions"] = [version, second]
        #expect(
            CustomResourceDefinitionRules.errors(in: tree).last?.description.hasPrefix(
                "spec.versions: Invalid value: [{\"Name\":\"v1\",\"Served\":true,\"Storage\":true,\"Deprecated\":false,\"DeprecationWarning\":null,"
            ) == true)
    }

    @Test(arguments: [
        (["unapproved, a test"], "False", "UnapprovedAnnotation"), (["https://github.com/x"], "True", "ApprovedAnnotation"),
        (["yes"], "False", "InvalidAnnotation"), ([], "False", "MissingAnnotation"),
    ])
    func `the approval of protected groups is told`(annotation: [String], status: String, reason: String) throws {
        var tree = try definition()
        tree[path: "spec", "group"] = "x.k8s.io"
        if let text = annotation.first { tree[path: "metadata", "annotations", "api-approved.kubernetes.io"] = .string(text) }
        let conditions = CustomResourceStatus.status(of: tree, others: [], now: "2026-01-01T00:00:00Z")["conditions"]?.elements
        let condition = conditions?.first { $0["type"] == "KubernetesAPIApprovalPolicyConformant" }
        #expect(condition?["status"]?.string == status)
        #expect(condition?["reason"]?.string == reason)
    }

    @Test(arguments: [
        ("{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}", "spec.versions: Invalid value"),
        (
            "{name: v1, served: true, storage: true}",
            "spec.versions[0].schema.openAPIV3Schema: Required value"
        ),
        (
            "{name: v1, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: integer, default: x}}}}}",
            "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"string\""
        ),
        (
            "{name: v1, storage: true, subresources: {scale: {specReplicasPath: .x.y, statusReplicasPath: .status.r}}}",
            "spec.subresources.scale.specReplicasPath: Invalid value: \".x.y\": should be a json path under .spec"
        ),
        (
            "{name: v1, storage: true, additionalPrinterColumns: [{name: a, type: text, jsonPath: spec}]}",
            "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string"
        ),
        (
            "{name: v1, storage: true, selectableFields: [{jsonPath: .spec.a}]}",
            "spec.selectableFields[0].jsonPath: Invalid value: \".spec.a\": is an invalid path: does not refer to a valid field"
        ),
        (
            "{name: v1, storage: true, deprecationWarning: x}",
            "spec.versions[0].deprecationWarning: Invalid value: \"x\": can only be set"
        ),
    ])
    func `bad versions are refused`(version: String, expected: String) throws {
        var tree = try definition()
        tree[path: "spec", "versions"] = [try yaml(version)]
        let errors = CustomResourceDefinitionRules.errors(in: tree).map(\.description)
        #expect(errors.contains { $0.hasPrefix(expected) }, "\(errors)")
    }

    @Test func `what is stored can't be changed`() throws {
        var old = try definition()
        old["status"] = CustomResourceStatus.status(of: old, others: [], now: "2026-01-01T00:00:00Z")
        var new = old
        new[path: "spec", "scope"] = "Cluster"
        new[path: "spec", "versions"] = [old[path: "spec", "versions"]![0]!]
        let errors = CustomResourceDefinitionRules.errors(in: new, old: old).map(\.description)
        #expect(errors.contains("spec.scope: Invalid value: \"Cluster\": field is immutable"))
        #expect(errors.contains { $0.hasPrefix("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions") })
    }

    @Test func `names are accepted once`() throws {
        var first = try definition()
        first["status"] = CustomResourceStatus.status(of: first, others: [], now: "2026-01-01T00:00:00Z")
        #expect(try CustomResourceDefinition(first).isEstablished)
        #expect(first[path: "status", "storedVersions"] == ["v1"])
        #expect(first["status"] == CustomResourceStatus.status(of: first, others: [], now: "2027-01-01T00:00:00Z"))
        var second = try definition()
        second[path: "spec", "names", "plural"] = "others"
        second["status"] = CustomResourceStatus.status(of: second, others: [first], now: "2026-01-01T00:00:00Z")
        #expect(try !CustomResourceDefinition(second).isEstablished)
        let condition = second[path: "status", "conditions"]?.elements.first { $0["type"] == "NamesAccepted" }
        #expect(condition?["status"] == "False")
        #expect(condition?["reason"] == "ListKindConflict")
        #expect(condition?["message"] == "\"CronTabList\" is already in use")
    }

    @Test func `resources of all served versions are made`() throws {
        let schema = try schema()
        #expect(schema.group("example.com")?.versions.map(\.groupVersion.version) == ["v1", "v1beta1"])
        let resource = try #require(schema.resource(group: "example.com", version: "v1", plural: "crontabs"))
        #expect(resource.subresources.map(\.name) == ["status", "scale"])
        #expect(resource.shortNames == ["ct"])
        #expect(schema.resource(group: "example.com", version: "v1beta1", plural: "crontabs")?.storedAs.version == "v1")
        let list = try JSON(parsing: try #require(schema.resourceList(resource.groupVersion)).bytes)
        #expect(list["resources"]?.elements.map { $0["name"]?.string } == ["crontabs", "crontabs/status", "crontabs/scale"])
        #expect(resource.type?.custom?.deprecationWarning == nil)
        #expect(
            schema.resource(group: "example.com", version: "v1beta1", plural: "crontabs")?.type?.custom?.deprecationWarning
                == "example.com/v1beta1 CronTab is deprecated")
    }

    @Test func `an apply knows the fields within an object that keeps unknown ones, but for the metadata`() throws {
        let declared: JSON = ["type": "object"]
        let embedded: JSON = [
            "type": "object", "x-kubernetes-embedded-resource": true,
            "properties": ["metadata": ["type": "object", "properties": ["name": ["type": "string"]]], "spec": declared],
        ]
        let spec: JSON = [
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": ["template": embedded, "list": ["type": "array", "items": declared]],
        ]
        var definition = try definition()
        definition[path: "spec", "versions"] = [
            [
                "name": "v1", "served": true, "storage": true,
                "schema": ["openAPIV3Schema": ["type": "object", "properties": ["spec": spec, "other": declared]]],
            ]
        ]
        let schema = Schema.builtin.adding(try CustomResourceDefinition(definition).resourceTypes())
        let type = try #require(schema.resource(group: "example.com", version: "v1", plural: "crontabs")?.type)
        func problem(_ text: String) throws -> String? { ApplyCheck.problem(of: try yaml(text), type: type) }
        #expect(
            try problem("{spec: {x: 1, list: [{x: 1}], template: {apiversion: v1, spec: {x: 1}, metadata: {name: a}}}}") == nil)
        #expect(
            try problem("{spec: {template: {apiversion: v1, metadata: {other: a}}}}")
                == ".spec.template.metadata.other: field not declared in schema")
        #expect(try problem("{other: {x: 1}}") == ".other.x: field not declared in schema")
    }

    @Test(arguments: [
        (
            ["v1", "v2", "v1beta1", "v1beta2", "v1alpha1", "foo", "v10", "bar"],
            ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "bar", "foo"]
        )
    ])
    func `versions are ordered by stability`(names: [String], expected: [String]) {
        #expect(names.sorted { VersionOrder.precedes($0, $1) } == expected)
    }

    @Test func `decoding prunes, tells and defaults`() throws {
        let type = try #require(try schema().resource(group: "example.com", version: "v1", plural: "crontabs")?.type)
        let decoded = try type.decode(
            try yaml(
                "{apiVersion: example.com/v1, kind: CronTab, metadata: {name: a}, spec: {foo: 1, maybe: null, free: {x: [1]}, replicas: text}}"
            ))
        #expect(decoded.unknownFields == ["spec.foo"])
        #expect(decoded.tree["spec"] == (try yaml("{maybe: null, free: {x: [1]}, replicas: text}")))
        #expect(throws: StatusError.self) {
            try type.decodeRequest(
                decoded.tree.with("bar"), kind: GroupVersionKind(group: "example.com", version: "v1", kind: "CronTab"),
                isStrict: true)
        }
        var empty: JSON = ["spec": [:]]
        type.applyDefaults(to: &empty)
        #expect(empty == ["spec": ["replicas": 1]])
        #expect(type.custom?.validate(decoded.tree).errors.map(\.path) == ["spec.replicas", ".spec.replicas"])
        #expect(type.custom?.fields(of: ["spec": ["color": "red"]]) == ["spec.color": "red"])
    }

    @Test func `server-side apply merges keyed lists`() throws {
        let type = try schema().resource(group: "example.com", version: "v1", plural: "crontabs")?.type
        func apply(_ text: String, to live: JSON?, as manager: String) throws -> JSON {
            try ServerSideApply.apply(
                try yaml(text), to: live,
                .init(
                    type: type, manager: .init(name: manager, isApply: true, apiVersion: "example.com/v1"),
                    time: "2026-01-01T00:00:00Z"), force: false
            ).object
        }
        let first = try apply(
            "{apiVersion: example.com/v1, kind: CronTab, metadata: {name: a}, spec: {ports: [{name: a, port: 1}], free: {x: {'y': 1}}}}",
            to: nil, as: "one")
        let both = try apply(
            "{apiVersion: example.com/v1, kind: CronTab, metadata: {name: a}, spec: {ports: [{name: b, protocol: UDP, port: 2}], free: {x: {z: 2}}}}",
            to: first, as: "two")
        #expect(both[path: "spec", "ports"]?.elements.map { $0["name"] } == ["a", "b"])
        #expect(both[path: "spec", "free", "x"] == ["y": 1, "z": 2])
        let ports = both[path: "metadata", "managedFields"]?.elements.first { $0["manager"] == "one" }?[
            path: "fieldsV1", "f:spec", "f:ports"]
        #expect(ports?["k:{\"name\":\"a\",\"protocol\":\"TCP\"}"] != nil)
        #expect(throws: StatusError.self) {
            try apply(
                "{apiVersion: example.com/v1, kind: CronTab, metadata: {name: a}, spec: {ports: [{name: a, port: 9}]}}", to: both,
                as: "two")
        }
    }

    @Test func `OpenAPI is published`() throws {
        let schema = try schema()
        let document = try JSON(parsing: try #require(schema.openAPI(GroupVersion(group: "example.com", version: "v1"))).bytes)
        let type = document[path: "components", "schemas", "com.example.v1.CronTab"]
        #expect(type?[path: "properties", "spec", "properties", "ports", "x-kubernetes-list-type"] == "map")
        #expect(
            type?[path: "properties", "metadata", "allOf"]?[0]?["$ref"]
                == "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        #expect(type?["x-kubernetes-group-version-kind"] == [["group": "example.com", "version": "v1", "kind": "CronTab"]])
        #expect(document[path: "components", "schemas", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"] != nil)
        let list = document[path: "components", "schemas", "com.example.v1.CronTabList"]
        #expect(list?[path: "properties", "items", "type"] == "array")
        #expect(document[path: "paths", "/apis/example.com/v1/namespaces/{namespace}/crontabs/{name}/scale"] != nil)
        let second = try JSON(parsing: schema.openAPIV2.bytes)[path: "definitions", "com.example.v1.CronTab"]
        #expect(second?[path: "properties", "spec", "properties", "maybe", "type"] == nil)
        #expect(second?[path: "properties", "spec", "properties", "color", "type"] == "string")
    }

    @Test func `scale reads and writes the paths`() throws {
        let scale = try #require(try CustomResourceDefinition(try definition()).version("v1")?.scale)
        var object = try yaml(
            "{metadata: {name: a, namespace: b, uid: c, resourceVersion: '5'}, spec: {replicas: 2}, status: {replicas: 1, selector: a=b}}"
        )
        let made = try scale.scale(of: object)
        #expect(made["spec"] == ["replicas": 2])
        #expect(made["status"] == ["replicas": 1, "selector": "a=b"])
        #expect(made[path: "metadata", "uid"] == "c")
        scale.apply(["metadata": ["resourceVersion": "4"], "spec": ["replicas": 7]], to: &object)
        #expect(object[path: "spec", "replicas"] == 7)
        #expect(object[path: "metadata", "resourceVersion"] == "4")
        #expect(throws: StatusError.self) { try scale.scale(of: ["spec": [:]]) }
    }

    @Test(arguments: [
        (".spec.replicas", "integer", "3"), (".spec.missing", "string", "null"),
        (".status.conditions[?(@.type==\"Ready\")].status", "string", "\"True\""),
        (".status.conditions[?(@.n>1)].type", "string", "\"Other\""), (".status.conditions[0].type", "string", "\"Ready\""),
        (".status.conditions[-1].type", "string", "\"Other\""), (".status.conditions[*].type", "string", "\"Ready\""),
        (".metadata.labels['a.b/c']", "string", "\"x\""), (".metadata.labels.a\\.b/c", "string", "\"x\""),
        ("{.spec.replicas}", "string", "\"3\""),
        (".metadata.creationTimestamp", "date", "\"aged 2026\""), (".spec.on", "boolean", "true"),
        (".spec.replicas", "boolean", "null"),
        (".spec.ratio", "number", "0.5"), (".spec.list", "string", "\"[1,2]\""),
    ])
    func `printer columns`(path: String, type: String, expected: String) throws {
        let object = try yaml(
            "{metadata: {creationTimestamp: '2026', labels: {a.b/c: x}}, spec: {replicas: 3, 'on': true, ratio: 0.5, list: [1, 2]}, status: {conditions: [{type: Ready, status: 'True', 'n': 1}, {type: Other, 'n': 2}]}}"
        )
        let column = CustomColumn(["name": "C", "type": .string(type), "jsonPath": .string(path)])
        #expect(column.cell(of: object, age: { "aged \($0)" }).text == expected)
    }

    @Test(arguments: ["spec", ".a[", ".a[?(@.b==)]", ".a['b", "..a", ".a b", ""])
    func `bad paths are refused`(path: String) {
        #expect(throws: SchemaError.self) { try JSONPathColumn(path) }
    }
}

extension JSON {
    fileprivate func with(_ name: String) -> JSON {
        var changed = self
        changed[path: "spec", name] = 1
        return changed
    }
}
