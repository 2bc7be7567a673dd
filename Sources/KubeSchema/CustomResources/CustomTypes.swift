import KubeObject

/// Makes the types that server-side apply, decoding and OpenAPI know a custom resource by.
struct CustomTypes {
    private let metadata: ValueType
    private let listMetadata: ValueType
    private static let text = ValueType(.string, goName: "string", isPointer: true)

    /// - Parameter builtin: the schema with `ObjectMeta`.
    init(builtin: Schema = .builtin) {
        func meta(_ name: String) -> ValueType {
            ValueType(
                .object, goName: "v1.\(name)", isPointer: true,
                object: builtin.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.\(name)"))
        }
        metadata = meta("ObjectMeta")
        listMetadata = meta("ListMeta")
    }

    /// The name in OpenAPI: `com.example.v1.CronTab`.
    static func name(_ kind: GroupVersionKind) -> String {
        (kind.group.split(separator: ".").reversed().map(String.init) + [kind.version, kind.kind]).joined(separator: ".")
    }

    func object(_ version: CustomResourceVersion) -> TypeSchema {
        let type = object(version.schema, Self.name(version.kind), version.kind.kind, isResource: true, preserves: false)
        type.custom = version
        type.publishedKind = version.kind
        return type
    }

    func list(of type: TypeSchema, _ kind: GroupVersionKind) -> TypeSchema {
        let list = TypeSchema(name: Self.name(kind), rowName: Self.name(kind), goName: kind.kind, structType: "")
        let item = ValueType(.object, goName: "v1.\(type.goName)", isPointer: true, object: type)
        list.fields = [
            field("apiVersion", Self.text),
            field("items", ValueType(.list, goName: "[]\(item.goName)", element: item), isRequired: true),
            field("kind", Self.text), field("metadata", listMetadata),
        ]
        list.publishedKind = kind
        return list
    }

    /// - Parameter preserves: whether an object around it keeps fields that nobody knows: to an apply, unlike to pruning, those within are known
    ///   then, too.
    private func object(
        _ schema: StructuralSchema, _ name: String, _ goName: String, isResource: Bool, preserves: Bool
    ) -> TypeSchema {
        let preserves = preserves || schema.preservesUnknownFields
        let type = TypeSchema(name: name, rowName: name, goName: goName, structType: schema.mapType == "atomic" ? "atomic" : "")
        var fields = schema.propertyNames.compactMap { key in
            schema.properties[key].map {
                field(key, value($0, "\(name).\(key)", preserves), $0, isRequired: schema.required.contains(key))
            }
        }
        if isResource {
            fields.removeAll { ["apiVersion", "kind", "metadata"].contains($0.jsonName) }
            fields += [field("apiVersion", Self.text), field("kind", Self.text), field("metadata", metadata)]
            fields.sort { precedes($0.jsonName, $1.jsonName) }
        }
        type.fields = fields
        type.members = fields.indices.map { .field($0) }
        type.preservesUnknownFields = preserves
        return type
    }

    private func field(_ name: String, _ type: ValueType, _ schema: StructuralSchema? = nil, isRequired: Bool = false) -> Field {
        var rare: Field.Rare?
        if let schema, !schema.listType.isEmpty || !schema.mapType.isEmpty || schema.defaultValue != nil {
            rare = Field.Rare(
                patchStrategies: [], patchMergeKey: "", listType: Field.ListType(rawValue: schema.listType),
                listMapKeys: schema.listMapKeys,
                mapType: schema.mapType, structType: "", defaultValue: schema.defaultValue)
        }
        return Field(
            jsonName: name, protoNumber: 0, type: type, isOmitEmpty: !isRequired, isOmitZero: false,
            isMarkedOptional: !isRequired,
            isMarkedRequired: isRequired, rare: rare)
    }

    private func value(_ schema: StructuralSchema, _ name: String, _ preserves: Bool) -> ValueType {
        if schema.isIntOrString { return ValueType(.intOrString, goName: "intstr.IntOrString", isPointer: true) }
        switch schema.type {
        case "string": return Self.text
        case "integer": return ValueType(.int64, goName: "int64", isPointer: true)
        case "number": return ValueType(.double, goName: "float64", isPointer: true)
        case "boolean": return ValueType(.bool, goName: "bool", isPointer: true)
        case "array":
            return ValueType(
                .list, goName: "[]interface {}", isPointer: true,
                element: schema.items.map { value($0, name, preserves) } ?? Self.anything)
        case "object":
            switch schema.additionalProperties {
            case .schema(let additional):
                return ValueType(
                    .map, goName: "map[string]interface {}", isPointer: true,
                    element: value(additional, name, preserves || schema.preservesUnknownFields))
            case .allowed(true):
                return ValueType(.map, goName: "map[string]interface {}", isPointer: true, element: Self.anything)
            case .allowed(false), .unspecified: break
            }
            if schema.properties.isEmpty, schema.preservesUnknownFields, !schema.isEmbeddedResource, schema.mapType != "atomic" {
                return Self.anything
            }
            let object = object(schema, name, "Object", isResource: schema.isEmbeddedResource, preserves: preserves)
            return ValueType(.object, goName: "v1.Object", isPointer: true, object: object)
        default: return Self.anything
        }
    }

    private static let anything = ValueType(.anyJSON, goName: "interface {}", isPointer: true)
}
