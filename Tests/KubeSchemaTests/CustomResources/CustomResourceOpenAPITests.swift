import KubeObject
import Testing

@testable import KubeSchema

private func yaml(_ text: String) throws -> JSON { try #require(try YAML.parse(text.utf8).first) }

/// What kubectl reads before it sends a custom object.
@Suite("OpenAPI of custom resources")
struct CustomResourceOpenAPITests {
    private func published(_ openAPIV3Schema: String, _ dialect: OpenAPIDialect = .v2) throws -> JSON {
        var tree = try yaml(
            """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: waldos.example.com}
            spec:
              group: example.com
              scope: Namespaced
              names: {plural: waldos, kind: Waldo}
              versions:
              - name: v1
                served: true
                storage: true
                schema: {openAPIV3Schema: \(openAPIV3Schema)}
            """)
        CustomResourceDefinitionRules.applyDefaults(to: &tree)
        let schema = Schema.builtin.adding(try CustomResourceDefinition(tree).resourceTypes())
        let version = GroupVersion(group: "example.com", version: "v1")
        let bytes = dialect == .v2 ? schema.openAPIV2.bytes : try #require(schema.openAPI(version)).bytes
        let document = try JSON(parsing: bytes)
        let schemas = dialect == .v2 ? document["definitions"] : document[path: "components", "schemas"]
        return try #require(schemas?["com.example.v1.Waldo"])
    }

    @Test func `common fields are described as upstream does`() throws {
        for dialect in [OpenAPIDialect.v2, .v3] {
            let schema = try published("{type: object, description: W, properties: {spec: {type: object}}}", dialect)
            #expect(schema["description"] == "W")
            func text(_ field: String) -> String { schema[path: "properties", field, "description"]?.string ?? "" }
            #expect(text("apiVersion").hasPrefix("APIVersion defines the versioned schema"))
            #expect(text("kind").hasPrefix("Kind is a string value"))
            #expect(text("metadata").hasPrefix("Standard object's metadata."))
        }
    }

    @Test func `what keeps unknown fields has no fields in version 2`() throws {
        let root = "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {spec: {type: object}}}"
        let kinds: JSON = [["group": "example.com", "version": "v1", "kind": "Waldo"]]
        #expect(try published(root) == ["type": "object", "x-kubernetes-group-version-kind": kinds])
        #expect(try published(root, .v3)[path: "properties", "spec"] != nil)
    }

    @Test(arguments: [
        (
            "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}",
            "{x-kubernetes-preserve-unknown-fields: true}"
        ),
        ("{type: array, x-kubernetes-preserve-unknown-fields: true}", "{x-kubernetes-preserve-unknown-fields: true}"),
        (
            "{type: object, required: [a, b], properties: {a: {type: string, nullable: true}, b: {type: string}}}",
            "{type: object, required: [b], properties: {a: {}, b: {type: string}}}"
        ),
        ("{type: array, items: {type: string, nullable: true}}", "{type: array, items: {}}"),
        (
            "{type: object, x-kubernetes-preserve-unknown-fields: true, x-kubernetes-embedded-resource: true}",
            "{x-kubernetes-preserve-unknown-fields: true, x-kubernetes-embedded-resource: true}"
        ),
    ])
    func `version 2 leaves out what kubectl can't understand`(_ given: String, _ expected: String) throws {
        #expect(try published("{type: object, properties: {f: \(given)}}")[path: "properties", "f"] == yaml(expected))
    }

    @Test func `embedded objects have the common fields`() throws {
        let schema = try published(
            "{type: object, properties: {f: {type: object, x-kubernetes-embedded-resource: true, properties: {a: {type: string}}}}}"
        )
        let embedded = try #require(schema[path: "properties", "f"])
        #expect(embedded["properties"]?.object.map { Set($0.map(\.key)) } == ["a", "apiVersion", "kind", "metadata"])
        #expect(embedded["required"] == ["kind", "apiVersion"])
    }
}
