import KubeObject

/// What differs between OpenAPI 2 and 3.
enum OpenAPIDialect {
    case v2
    case v3

    func reference(_ name: String) -> JSON {
        ["$ref": .string(self == .v3 ? "#/components/schemas/\(name)" : "#/definitions/\(name)")]
    }

    /// A reference with words beside it. Version 3 ignores what stands beside `$ref`, so it goes into `allOf`.
    func reference(_ name: String, description: String?, extra: [(String, JSON)]) -> JSON {
        var schema: JSON
        if self == .v3, description != nil || !extra.isEmpty {
            schema = ["allOf": [reference(name)]]
        } else {
            schema = reference(name)
        }
        if let description { schema["description"] = .string(description) }
        for (key, value) in extra { schema[key] = value }
        return schema
    }

    /// The types that aren't objects, by their OpenAPI names.
    func special(_ kind: ValueType.Kind) -> (name: String, schema: JSON)? {
        let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
        let extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
        switch kind {
        case .quantity:
            let description: JSON = "A decimal number with an optional suffix, such as 100m, 2, 1.5G or 1Gi."
            return (
                "io.k8s.apimachinery.pkg.api.resource.Quantity",
                self == .v3
                    ? ["description": description, "oneOf": [["type": "string"], ["type": "number"]]]
                    : ["description": description, "type": "string"]
            )
        case .time:
            return (
                meta + "Time", ["description": "A time in RFC 3339, to the second.", "type": "string", "format": "date-time"]
            )
        case .microTime:
            return (
                meta + "MicroTime",
                ["description": "A time in RFC 3339, to the microsecond.", "type": "string", "format": "date-time"]
            )
        case .duration: return (meta + "Duration", ["description": "A duration, such as 1h30m.", "type": "string"])
        case .intOrString:
            let description: JSON = "An integer or a string, such as a port's number or name, or a percentage."
            return (
                "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                self == .v3
                    ? [
                        "description": description, "format": "int-or-string",
                        "oneOf": [["type": "integer"], ["type": "string"]],
                    ]
                    : ["description": description, "format": "int-or-string", "type": "string"]
            )
        case .rawExtension:
            return ("io.k8s.apimachinery.pkg.runtime.RawExtension", ["description": "Any object.", "type": "object"])
        case .fieldsV1:
            return (meta + "FieldsV1", ["description": "A set of fields, in the form of KEP-555.", "type": "object"])
        case .anyJSON: return (extensions + "JSON", ["description": "Any JSON value."])
        case .schemaOrBool: return (extensions + "JSONSchemaPropsOrBool", ["description": "A JSON schema or a truth value."])
        case .schemaOrArray:
            return (extensions + "JSONSchemaPropsOrArray", ["description": "A JSON schema or a list of them."])
        case .schemaOrStrings:
            return (extensions + "JSONSchemaPropsOrStringArray", ["description": "A JSON schema or a list of strings."])
        default: return nil
        }
    }
}
