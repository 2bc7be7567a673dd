import KubeObject

extension CustomResourceVersion {
    /// The published schema: the definition's own, with what every object has. `special` makes references.
    func openAPI(_ dialect: OpenAPIDialect) -> JSON {
        var schema = dialect == .v2 ? Self.withoutVersion3(self.schema.source) : self.schema.source
        let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        schema[path: "properties", "apiVersion"] = [
            "type": "string", "description": "The version of the schema that this object is written in.",
        ]
        schema[path: "properties", "kind"] = ["type": "string", "description": "The kind of this object, in CamelCase."]
        schema[path: "properties", "metadata"] = dialect.reference(meta, description: "Standard object metadata.", extra: [])
        schema["x-kubernetes-group-version-kind"] = [
            ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
        ]
        return schema
    }

    /// What kubectl's checks of version 2 can't understand is left out, so that it doesn't refuse what the server takes.
    private static func withoutVersion3(_ schema: JSON) -> JSON {
        var schema = schema
        for key in ["allOf", "anyOf", "oneOf", "not"] { schema[key] = nil }
        if schema["nullable"]?.bool == true {
            for key in ["nullable", "type", "items", "properties", "additionalProperties", "required"] { schema[key] = nil }
        }
        if schema["x-kubernetes-preserve-unknown-fields"]?.bool == true {
            for key in ["items", "properties", "required"] { schema[key] = nil }
        }
        if let properties = schema["properties"]?.object { schema["properties"] = .object(properties.mapValues(withoutVersion3)) }
        for key in ["items", "additionalProperties"] {
            if let inner = schema[key], inner.object != nil { schema[key] = withoutVersion3(inner) }
        }
        return schema
    }
}
