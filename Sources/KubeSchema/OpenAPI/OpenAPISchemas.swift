import KubeObject

/// The schemas of one document: every type that is referred to, and all that those refer to.
struct OpenAPISchemas {
    let dialect: OpenAPIDialect
    private let schema: Schema
    private var documentation: Documentation
    private(set) var schemas: [String: JSON] = [:]
    private var waiting: [TypeSchema] = []
    /// Which group versions have the kinds of a package.
    private let versionsOfPackage: [Substring: [GroupVersion]]

    init(_ schema: Schema, dialect: OpenAPIDialect) {
        self.schema = schema
        self.dialect = dialect
        documentation = Documentation(packages: [], added: [])
        versionsOfPackage = Dictionary(grouping: schema.types.packageOfVersion.keys) { schema.types.packageOfVersion[$0] ?? "" }
    }

    /// A reference to a kind's schema, or to any object when its type isn't known.
    mutating func reference(to type: TypeSchema?) -> JSON {
        guard let type else { return ["type": "object"] }
        refer(type)
        return dialect.reference(type.name)
    }

    private mutating func refer(_ type: TypeSchema) {
        guard schemas[type.name] == nil else { return }
        schemas[type.name] = .null
        waiting.append(type)
    }

    /// Adds a schema that isn't a type's.
    mutating func add(_ name: String, _ value: JSON) { schemas[name] = value }

    /// Makes all schemas that were referred to.
    mutating func finish() {
        var types: [TypeSchema] = []
        // What a type refers to is known only when it is made, and the texts are read once: so two rounds.
        var made: Set<String> = []
        while let type = waiting.popLast() {
            types.append(type)
            // A custom resource's own fields stand in its schema, not in schemas of their own.
            for field in type.fields where type.custom == nil || field.jsonName == "metadata" { visit(field.type) }
        }
        let packages = Set(types.compactMap { type in type.rowName.lastIndex(of: ".").map { type.rowName[..<$0] } })
        documentation = Documentation(packages: packages, added: schema.documentation)
        for type in types where made.insert(type.name).inserted { schemas[type.name] = object(type) }
    }

    private mutating func visit(_ type: ValueType) {
        if let special = dialect.special(type.kind) {
            schemas[special.name] = special.schema
        } else if let element = type.element {
            visit(element)
        } else if type.kind == .object, let object = type.object {
            refer(object)
        }
    }

    // MARK: Objects

    private func object(_ type: TypeSchema) -> JSON {
        if let custom = type.custom { return custom.openAPI(dialect, texts: commonTexts) }
        let texts = documentation.fields(of: type)
        var result: JSON = ["type": "object"]
        if let text = texts[""] { result["description"] = .string(Documentation.unescaped(text)) }
        var properties: [(String, JSON)] = []
        properties.reserveCapacity(type.fields.count)
        let embedded = embeddedTexts(type)
        for field in type.fields {
            let text = texts[field.jsonName[...]] ?? embedded[field.jsonName[...]]
            properties.append((field.jsonName, property(field, text.map(Documentation.unescaped))))
        }
        if !properties.isEmpty { result["properties"] = .object(JSONObject(properties)) }
        let required = type.fields.filter { $0.isRequired }.map(\.jsonName)
        if !required.isEmpty { result["required"] = JSON(required) }
        if !type.structType.isEmpty { result["x-kubernetes-map-type"] = .string(type.structType) }
        if type.preservesUnknownFields { result["x-kubernetes-preserve-unknown-fields"] = true }
        let kinds = kinds(type)
        if !kinds.isEmpty {
            result["x-kubernetes-group-version-kind"] = .array(
                kinds.map { ["group": .string($0.group), "version": .string($0.version), "kind": .string($0.kind)] })
        }
        return result
    }

    private var commonTexts: CommonTexts {
        CommonTexts(
            apiVersion: documentation.text("meta/v1", "TypeMeta", "apiVersion"),
            kind: documentation.text("meta/v1", "TypeMeta", "kind"),
            metadata: "Standard object's metadata. More info: "
                + "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata")
    }

    private func embeddedTexts(_ type: TypeSchema) -> [Substring: Substring] {
        var texts: [Substring: Substring] = [:]
        for case .embedded(let embedded, _) in type.members {
            guard let object = embedded.object else { continue }
            texts.merge(documentation.fields(of: object)) { first, _ in first }
            texts.merge(embeddedTexts(object)) { first, _ in first }
        }
        return texts
    }

    /// The kinds that a type is; empty for parts of objects.
    private func kinds(_ type: TypeSchema) -> [GroupVersionKind] {
        if let kind = type.publishedKind { return [kind] }
        guard type.field("kind") != nil, type.field("apiVersion") != nil, let dot = type.rowName.lastIndex(of: "."),
            type.members.contains(where: { if case .embedded(let it, _) = $0 { it.object?.goName == "TypeMeta" } else { false } })
        else { return type.goName == "WatchEvent" ? everyVersion("WatchEvent") : [] }
        let package = type.rowName[..<dot]
        if package != "meta/v1" { return (versionsOfPackage[package] ?? []).map { $0.kind(type.goName) } }
        switch type.goName {
        case "DeleteOptions": return everyVersion("DeleteOptions")
        default: return [GroupVersionKind(group: "", version: "v1", kind: type.goName)]
        }
    }

    private func everyVersion(_ kind: String) -> [GroupVersionKind] {
        schema.groups.flatMap { $0.versions.map { $0.groupVersion.kind(kind) } }
    }

    // MARK: Fields

    private func property(_ field: Field, _ text: String?) -> JSON {
        var extra: [(String, JSON)] = []
        if let value = field.defaultValue {
            extra.append(("default", value))
        } else if let zero = OpenAPISchemas.implied(field.type, isOmitEmpty: field.isOmitEmpty) {
            extra.append(("default", zero))
        }
        if let listType = field.listType { extra.append(("x-kubernetes-list-type", .string(listType.rawValue))) }
        if !field.listMapKeys.isEmpty { extra.append(("x-kubernetes-list-map-keys", JSON(field.listMapKeys))) }
        let mapType = field.mapType.isEmpty ? field.structType : field.mapType
        if !mapType.isEmpty { extra.append(("x-kubernetes-map-type", .string(mapType))) }
        if !field.patchMergeKey.isEmpty { extra.append(("x-kubernetes-patch-merge-key", .string(field.patchMergeKey))) }
        if !field.patchStrategies.isEmpty {
            extra.append(("x-kubernetes-patch-strategy", .string(field.patchStrategies.joined(separator: ","))))
        }
        return value(field.type, description: text, extra: extra)
    }

    /// The default that a value has because it isn't a pointer.
    private static func implied(_ type: ValueType, isOmitEmpty: Bool) -> JSON? {
        guard !type.isPointer else { return nil }
        switch type.kind {
        case .object, .intOrString, .quantity, .time, .microTime, .duration, .rawExtension, .schemaOrBool:
            // Upstream leaves out the default of a type with a text form, and gives structs an empty object.
            return type.kind == .object ? [:] : nil
        case .string: return isOmitEmpty ? nil : ""
        case .bool: return isOmitEmpty ? nil : false
        case .int32, .int64, .double: return isOmitEmpty ? nil : 0
        default: return nil
        }
    }

    private func value(_ type: ValueType, description: String?, extra: [(String, JSON)]) -> JSON {
        if let special = dialect.special(type.kind) {
            return dialect.reference(special.name, description: description, extra: extra)
        }
        if type.kind == .object, let object = type.object {
            return dialect.reference(object.name, description: description, extra: extra)
        }
        var schema: JSON = [:]
        switch type.kind {
        case .string: schema = ["type": "string"]
        case .bytes: schema = ["type": "string", "format": "byte"]
        case .bool: schema = ["type": "boolean"]
        case .int32: schema = ["type": "integer", "format": "int32"]
        case .int64: schema = ["type": "integer", "format": "int64"]
        case .double: schema = ["type": "number", "format": "double"]
        case .list: schema = ["type": "array", "items": type.element.map(item) ?? [:]]
        case .map: schema = ["type": "object", "additionalProperties": type.element.map(item) ?? [:]]
        default: schema = ["type": "object"]
        }
        var text = description
        if !type.enumValues.isEmpty {
            schema["enum"] = JSON(type.enumValues)
            text = (text ?? "") + "\n\nPossible enum values:" + type.enumValues.map { "\n - `\"\($0)\"`" }.joined()
        }
        if let text { schema["description"] = .string(text) }
        for (key, value) in extra { schema[key] = value }
        return schema
    }

    private func item(_ type: ValueType) -> JSON {
        let zero = OpenAPISchemas.implied(type, isOmitEmpty: false)
        return value(type, description: nil, extra: zero.map { [("default", $0)] } ?? [])
    }
}
