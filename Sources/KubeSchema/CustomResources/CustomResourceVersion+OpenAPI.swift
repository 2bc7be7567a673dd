import KubeObject

/// What upstream's documents say about the fields that every object has.
struct CommonTexts {
    var apiVersion: String?
    var kind: String?
    var metadata: String?
}

extension CustomResourceVersion {
    private static let metadataType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

    /// The published schema: the definition's own, with what every object has. `special` makes references.
    func openAPI(_ dialect: OpenAPIDialect, texts: CommonTexts) -> JSON {
        var schema = self.schema.source
        if dialect == .v2, Self.preservesUnknownFields(schema) {
            // kubectl takes the fields of a schema for all that there may be.
            schema = ["type": "object"]
        } else {
            if dialect == .v2 { schema = Self.withoutVersion3(schema) }
            schema = Self.withEmbeddedObjects(schema, dialect, texts)
            Self.addCommonFields(to: &schema, dialect, texts)
        }
        schema["x-kubernetes-group-version-kind"] = [
            ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
        ]
        return schema
    }

    private static func preservesUnknownFields(_ schema: JSON) -> Bool {
        schema["x-kubernetes-preserve-unknown-fields"]?.bool == true
    }

    private static func addCommonFields(to schema: inout JSON, _ dialect: OpenAPIDialect, _ texts: CommonTexts) {
        func text(_ description: String?) -> JSON {
            description.map { ["description": .string($0), "type": "string"] } ?? ["type": "string"]
        }
        schema[path: "properties", "apiVersion"] = text(texts.apiVersion)
        schema[path: "properties", "kind"] = text(texts.kind)
        schema[path: "properties", "metadata"] = dialect.reference(metadataType, description: texts.metadata, extra: [])
    }

    private static func withEmbeddedObjects(_ schema: JSON, _ dialect: OpenAPIDialect, _ texts: CommonTexts) -> JSON {
        var schema = mapped(schema) { withEmbeddedObjects($0, dialect, texts) }
        guard schema["x-kubernetes-embedded-resource"]?.bool == true, dialect == .v3 || !preservesUnknownFields(schema) else {
            return schema
        }
        addCommonFields(to: &schema, dialect, texts)
        var required = schema["required"]?.strings ?? []
        for name in ["kind", "apiVersion"] where !required.contains(name) { required.append(name) }
        schema["required"] = JSON(required)
        return schema
    }

    /// What kubectl's checks of version 2 can't understand is left out, so that it doesn't refuse what the server takes.
    private static func withoutVersion3(_ schema: JSON) -> JSON {
        var schema = schema
        for key in ["allOf", "anyOf", "oneOf", "not"] { schema[key] = nil }
        if isNullable(schema) {
            for key in ["nullable", "type", "items", "properties"] { schema[key] = nil }
        }
        if preservesUnknownFields(schema) {
            for key in ["items", "properties"] { schema[key] = nil }
            if schema["type"] == "object" { schema["type"] = nil }
        }
        // A list of anything is to kubectl not a list.
        if schema["type"] == "array", schema["items"] == nil { schema["type"] = nil }
        if let required = schema["required"]?.strings {
            let left =
                isNullable(schema["additionalProperties"]) ? [] : required.filter { !isNullable(schema["properties"]?[$0]) }
            schema["required"] = left.isEmpty ? nil : JSON(left)
        }
        return mapped(schema, withoutVersion3)
    }

    private static func isNullable(_ schema: JSON?) -> Bool { schema?["nullable"]?.bool == true }

    /// The schema with `change` made to those that it is put together from.
    private static func mapped(_ schema: JSON, _ change: (JSON) -> JSON) -> JSON {
        var schema = schema
        if let properties = schema["properties"]?.object { schema["properties"] = .object(properties.mapValues(change)) }
        for key in ["items", "additionalProperties"] {
            if let inner = schema[key], inner.object != nil { schema[key] = change(inner) }
        }
        return schema
    }
}
