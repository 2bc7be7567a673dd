import KubeObject

/// The types that expressions over whole objects see, as a schema has them: for checks of expressions before there is an object.
public struct CELObjectTypes {
    /// The fields of the types so far, by the types' names.
    public private(set) var objects: [String: [String: CELType]] = [:]
    private var names: [ObjectIdentifier: String] = [:]
    private let metadata: ValueType?

    /// - Parameter schema: gives all objects' metadata.
    public init(_ schema: Schema) {
        metadata =
            schema.resource(group: "", version: "v1", plural: "namespaces")?.type?.fields.first { $0.jsonName == "metadata" }?
            .type
    }

    /// The type of a resource's objects; nil when nothing is known of it.
    public mutating func type(of resource: ResourceType) -> CELType? {
        guard let type = resource.type else { return nil }
        guard let custom = type.custom else { return self.type(of: type) }
        guard let sizes = custom.schema.sizes(isResource: true) else { return nil }
        let name = "\(resource.gvk.group)/\(resource.gvk.version).\(resource.gvk.kind)"
        let declared = sizes.declared(name, in: &objects)
        if let metadata {
            let type = self.type(of: metadata)
            objects[name]?["metadata"] = type
        }
        return declared
    }

    private mutating func type(of schema: TypeSchema) -> CELType {
        if let name = names[ObjectIdentifier(schema)] { return .object(name) }
        names[ObjectIdentifier(schema)] = schema.name
        // Types can be parts of themselves: so the name is known before the fields are.
        objects[schema.name] = [:]
        var fields: [String: CELType] = [:]
        for field in schema.fields {
            guard let name = CELNames.escape(field.jsonName) else { continue }
            fields[name] = type(of: field.type)
        }
        objects[schema.name] = fields
        return .object(schema.name)
    }

    private mutating func type(of value: ValueType) -> CELType {
        switch value.kind {
        case .bool: return .bool
        case .int32, .int64: return .int
        case .double: return .double
        case .string, .duration: return .string
        case .bytes: return .bytes
        case .time, .microTime: return .timestamp
        case .list: return .list(value.element.map { type(of: $0) } ?? .dyn)
        case .map: return .map(.string, value.element.map { type(of: $0) } ?? .dyn)
        case .object: return value.object.map { type(of: $0) } ?? .dyn
        // Several forms, or any.
        case .quantity, .intOrString, .rawExtension, .anyJSON, .fieldsV1, .schemaOrBool, .schemaOrArray, .schemaOrStrings:
            return .dyn
        }
    }
}
