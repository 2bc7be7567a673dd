public import KubeObject

/// Whether a schema of a custom resource definition is structural, and uses nothing that Kubernetes refuses.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
public struct StructuralCheck {
    private var errors: [FieldError] = []
    private var patterns = StructuralSchema.maximumPatterns

    /// What is wrong with `schema`, which stands at `path` of the definition. Ordered by text, as upstream does.
    public static func errors(in schema: JSON, path: String) -> [FieldError] {
        var check = StructuralCheck()
        check.dialect(schema, path, depth: 0)
        guard check.errors.isEmpty else { return check.errors }
        check.structure(schema, .root, path)
        check.completeness(schema, path)
        return check.errors.sorted { precedes($0.description, $1.description) }
    }

    private enum Level { case root, item, field }

    private mutating func forbid(_ path: String, _ detail: String) { errors.append(.forbidden(path, detail)) }

    /// Schemas below, with their paths.
    private static func below(_ schema: JSON, _ path: String) -> [(JSON, String)] {
        var found: [(JSON, String)] = []
        for (name, property) in schema["properties"]?.object ?? [:] { found.append((property, "\(path).properties[\(name)]")) }
        if let other = schema["additionalProperties"], other.object != nil {
            found.append((other, "\(path).additionalProperties"))
        }
        if let items = schema["items"], items.object != nil { found.append((items, "\(path).items")) }
        for junctor in ["allOf", "anyOf", "oneOf"] {
            for (index, schema) in (schema[junctor]?.elements ?? []).enumerated() {
                found.append((schema, "\(path).\(junctor)[\(index)]"))
            }
        }
        if let not = schema["not"], not.object != nil { found.append((not, "\(path).not")) }
        return found
    }

    // MARK: What of OpenAPI may be used

    private static let unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"]
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    private mutating func dialect(_ schema: JSON, _ path: String, depth: Int) {
        guard depth < StructuralSchema.maximumDepth else {
            return forbid(path, "must not be nested deeper than \(StructuralSchema.maximumDepth) levels")
        }
        for name in Self.unsupported where schema[name] != nil { forbid("\(path).\(name)", "\(name) is not supported") }
        switch schema["type"]?.string {
        case nil, "": break
        case let type? where !Self.types.contains(type):
            errors.append(.notSupported("\(path).type", .string(type), Self.types))
            if type == "null" { forbid("\(path).type", "type cannot be set to null, use nullable as an alternative") }
        default: break
        }
        if schema["items"]?.array != nil { forbid("\(path).items", "items must be a schema object and not an array") }
        if schema["uniqueItems"]?.bool == true {
            forbid("\(path).uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
        }
        let hasProperties = schema["properties"]?.object?.isEmpty == false
        if let other = schema["additionalProperties"] {
            if hasProperties, other.bool != true {
                forbid("\(path).additionalProperties", "additionalProperties and properties are mutual exclusive")
            }
        }
        lists(schema, path)
        rules(schema, path)
        for (inner, innerPath) in Self.below(schema, path) { dialect(inner, innerPath, depth: depth + 1) }
    }

    private mutating func lists(_ schema: JSON, _ path: String) {
        let type = schema["type"]?.string ?? ""
        let keys = schema["x-kubernetes-list-map-keys"]?.strings ?? []
        if let listType = schema["x-kubernetes-list-type"]?.string {
            if type != "array" {
                let detail = "must be array if x-kubernetes-list-type is specified"
                errors.append(type.isEmpty ? .required("\(path).type", detail) : .invalid("\(path).type", .string(type), detail))
            }
            if !["atomic", "set", "map"].contains(listType) {
                errors.append(.notSupported("\(path).x-kubernetes-list-type", .string(listType), ["atomic", "set", "map"]))
            }
            if listType == "map", keys.isEmpty {
                errors.append(
                    .required("\(path).x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"))
            }
        }
        if !keys.isEmpty {
            mapKeys(schema, keys, path)
        }
        if schema["x-kubernetes-list-type"]?.string == "set", let items = schema["items"], items["type"]?.string == "object",
            items["x-kubernetes-map-type"]?.string != "atomic"
        {
            errors.append(
                .invalid(
                    "\(path).items.x-kubernetes-map-type", items["x-kubernetes-map-type"],
                    "must be atomic as item of a list with x-kubernetes-list-type=set"))
        }
        if let mapType = schema["x-kubernetes-map-type"]?.string {
            if type != "object" {
                let detail = "must be object if x-kubernetes-map-type is specified"
                errors.append(type.isEmpty ? .required("\(path).type", detail) : .invalid("\(path).type", .string(type), detail))
            }
            if mapType != "atomic", mapType != "granular" {
                errors.append(.notSupported("\(path).x-kubernetes-map-type", .string(mapType), ["atomic", "granular"]))
            }
        }
    }

    private mutating func mapKeys(_ schema: JSON, _ keys: [String], _ path: String) {
        guard schema["x-kubernetes-list-type"]?.string == "map" else {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty"
            let given = schema["x-kubernetes-list-type"]
            errors.append(
                given.map { .invalid("\(path).x-kubernetes-list-type", $0, detail) }
                    ?? .required("\(path).x-kubernetes-list-type", detail))
            return
        }
        guard let items = schema["items"], items["type"]?.string == "object" else {
            errors.append(
                .invalid(
                    "\(path).items.type", schema[path: "items", "type"] ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map"))
            return
        }
        let required = Set(items["required"]?.strings ?? [])
        var seen: Set<String> = []
        for (index, key) in keys.enumerated() {
            let keyPath = "\(path).x-kubernetes-list-map-keys[\(index)]"
            if !seen.insert(key).inserted { errors.append(.duplicate(keyPath, .string(key))) }
            guard let property = items[path: "properties", key] else {
                errors.append(
                    .invalid(
                        "\(path).x-kubernetes-list-map-keys", JSON(keys), "entries must all be names of item properties"))
                continue
            }
            let propertyPath = "\(path).items.properties[\(key)]"
            if let type = property["type"]?.string, type == "array" || type == "object" {
                errors.append(
                    .invalid(
                        "\(propertyPath).type", .string(type),
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"))
            }
            if property["nullable"]?.bool == true {
                forbid("\(propertyPath).nullable", "this property is in x-kubernetes-list-map-keys, so it cannot be nullable")
            }
            if property["default"] == nil, !required.contains(key) {
                errors.append(
                    .required(
                        "\(propertyPath).default",
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"))
            }
        }
    }

    private mutating func rules(_ schema: JSON, _ path: String) {
        for (index, json) in (schema["x-kubernetes-validations"]?.elements ?? []).enumerated() {
            errors += ValidationRule.textErrors(in: json, "\(path).x-kubernetes-validations[\(index)]", of: schema)
        }
    }

    // MARK: Whether it is structural

    private mutating func structure(_ schema: JSON, _ level: Level, _ path: String) {
        let type = schema["type"]?.string ?? ""
        func flag(_ name: String) -> Bool { schema["x-kubernetes-\(name)"]?.bool ?? false }
        let isEmbedded = flag("embedded-resource")
        if type == "array", schema["items"]?.object == nil { errors.append(.required("\(path).items", "must be specified")) }
        if let items = schema["items"], items.object != nil { structure(items, .item, "\(path).items") }
        for (name, property) in schema["properties"]?.object ?? [:] { structure(property, .field, "\(path).properties[\(name)]") }
        if let other = schema["additionalProperties"] {
            if level == .root { forbid("\(path).additionalProperties", "must not be used at the root") }
            if other.object != nil { structure(other, .field, "\(path).additionalProperties") }
            if isEmbedded { forbid("\(path).additionalProperties", "must not be used if x-kubernetes-embedded-resource is set") }
        }
        for name in ["preserve-unknown-fields", "embedded-resource"] where flag("int-or-string") && flag(name) {
            errors.append(.invalid("\(path).x-kubernetes-\(name)", true, "must be false if x-kubernetes-int-or-string is true"))
        }
        values(schema, path)

        if isEmbedded, type != "object" {
            let detail = "must be object if x-kubernetes-embedded-resource is true"
            errors.append(type.isEmpty ? .required("\(path).type", detail) : .invalid("\(path).type", .string(type), detail))
        } else if type.isEmpty, !flag("int-or-string"), !flag("preserve-unknown-fields") {
            switch level {
            case .root: errors.append(.required("\(path).type", "must not be empty at the root"))
            case .item: errors.append(.required("\(path).type", "must not be empty for specified array items"))
            case .field: errors.append(.required("\(path).type", "must not be empty for specified object fields"))
            }
        }
        if level == .root, !type.isEmpty, type != "object" {
            errors.append(.invalid("\(path).type", .string(type), "must be object at the root"))
        }
        metadata(schema, level, isResource: level == .root || isEmbedded, path)
        if isEmbedded, !flag("preserve-unknown-fields"), schema["properties"]?.object?.isEmpty ?? true {
            errors.append(
                .required(
                    "\(path).properties",
                    "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"))
        }
    }

    private mutating func metadata(_ schema: JSON, _ level: Level, isResource: Bool, _ path: String) {
        guard isResource else { return }
        for name in ["kind", "apiVersion"] {
            guard let property = schema[path: "properties", name], property["type"]?.string != "string" else { continue }
            errors.append(.invalid("\(path).properties[\(name)].type", property["type"] ?? "", "must be string"))
        }
        guard let metadata = schema[path: "properties", "metadata"] else { return }
        let metadataPath = "\(path).properties[metadata]"
        if metadata["type"]?.string != "object" {
            errors.append(.invalid("\(metadataPath).type", metadata["type"] ?? "", "must be object"))
        }
        guard level == .root else { return }
        let names = (metadata["properties"]?.object ?? [:]).filter { name, _ in name != "name" && name != "generateName" }
        let others = (metadata.object ?? [:]).filter { key, _ in key != "properties" && key != "type" && key != "default" }
        if !names.isEmpty || !others.isEmpty {
            forbid(
                metadataPath, "must not specify anything other than name and generateName, but metadata is implicitly specified")
        }
    }

    private static let integerOrString: JSON = [["type": "integer"], ["type": "string"]]

    /// The value validations of a schema, which may say nothing that shapes it.
    private mutating func values(_ schema: JSON, _ path: String, skipsAnyOf: Bool = false) {
        let isPattern = schema["anyOf"] == Self.integerOrString
        for junctor in ["anyOf", "allOf", "oneOf"] where junctor != "anyOf" || !(isPattern || skipsAnyOf) {
            for (index, inner) in (schema[junctor]?.elements ?? []).enumerated() {
                let skips = junctor == "allOf" && index == 0 && inner["anyOf"] == Self.integerOrString
                nested(inner, "\(path).\(junctor)[\(index)]", skipsAnyOf: skips)
            }
        }
        if let not = schema["not"], not.object != nil { nested(not, "\(path).not") }
        if let pattern = schema["pattern"]?.string, !pattern.isEmpty { self.pattern(pattern, "\(path).pattern") }
    }

    private mutating func pattern(_ pattern: String, _ path: String) {
        // Told once: what comes after isn't looked at.
        guard patterns >= 0 else { return }
        do {
            patterns -= try LinearRegex(pattern).program.count
            if patterns < 0 { forbid(path, "the patterns of the schema are too large together") }
        } catch {
            errors.append(.invalid(path, .string(pattern), "must be a valid regular expression, but isn't: \(error)"))
        }
    }

    private mutating func nested(_ schema: JSON, _ path: String, skipsAnyOf: Bool = false) {
        values(schema, path, skipsAnyOf: skipsAnyOf)
        if let items = schema["items"], items.object != nil { nested(items, "\(path).items") }
        for (name, property) in schema["properties"]?.object ?? [:] { nested(property, "\(path).properties[\(name)]") }
        for name in ["type", "title", "description", "x-kubernetes-list-map-keys", "x-kubernetes-validations"]
        where schema[name].map({ !Zero.isEmpty($0, .string) }) ?? false {
            forbid("\(path).\(name)", "must be empty to be structural")
        }
        for name in ["additionalProperties", "default", "externalDocs", "x-kubernetes-list-type", "x-kubernetes-map-type"]
        where schema[name] != nil {
            forbid("\(path).\(name)", "must be undefined to be structural")
        }
        for name in [
            "nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
        ]
        where schema[name]?.bool == true { forbid("\(path).\(name)", "must be false to be structural") }
        if schema[path: "properties", "metadata"] != nil {
            forbid("\(path).properties[metadata]", "must not be specified in a nested context")
        }
    }

    /// Every field that a value validation at the root names must be specified outside of it too. As upstream: those further below
    /// aren't looked at.
    private mutating func completeness(_ schema: JSON, _ path: String) {
        for (inner, innerPath) in Self.below(schema, path) {
            let isJunctor = ["allOf", "anyOf", "oneOf", "not"].contains { innerPath.dropFirst(path.count + 1).hasPrefix($0) }
            if isJunctor { complete(inner, innerPath, schema, path) }
        }
    }

    private mutating func complete(_ nested: JSON, _ path: String, _ schema: JSON, _ schemaPath: String) {
        for (name, property) in nested["properties"]?.object ?? [:] {
            if let known = schema[path: "properties", name] {
                complete(property, "\(path).properties[\(name)]", known, "\(schemaPath).properties[\(name)]")
            } else {
                errors.append(
                    .required("\(schemaPath).properties[\(name)]", "because it is defined in \(path).properties[\(name)]"))
            }
        }
        if let items = nested["items"], items.object != nil {
            if let known = schema["items"] {
                complete(items, "\(path).items", known, "\(schemaPath).items")
            } else {
                errors.append(.required("\(schemaPath).items", "because it is defined in \(path).items"))
            }
        }
        for junctor in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (nested[junctor]?.elements ?? []).enumerated() {
                complete(inner, "\(path).\(junctor)[\(index)]", schema, schemaPath)
            }
        }
        if let not = nested["not"], not.object != nil { complete(not, "\(path).not", schema, schemaPath) }
    }
}
