import KubeObject

/// What strategic merge has to know of the place in the tree where it is.
enum PatchSchema {
    case object(TypeSchema)
    case map(ValueType)
    /// A value that can't have parts; `name` is Go's word for it.
    case other(String)

    /// How one member is merged, and the schema of its value (or, for a list, of its elements).
    struct Member {
        var schema: PatchSchema
        var strategy: String
        var mergeKey: String
    }

    init(_ type: ValueType) {
        switch type.kind {
        case .object: self = type.object.map(PatchSchema.object) ?? .other("interface")
        case .map: self = type.element.map(PatchSchema.map) ?? .other("interface")
        case .list: self = .other("slice")
        default: self = .other(type.kind == .string ? "string" : "interface")
        }
    }

    func member(_ key: String) throws(StatusError) -> Member {
        switch self {
        case .map(let element): return Member(schema: PatchSchema(element), strategy: "", mergeKey: "")
        case .object(let type):
            guard let field = type.field(key) else {
                throw StrategicMergePatch.failure(
                    "unable to find api field in struct \(type.goName) for the json field \"\(key)\"")
            }
            return Member(
                schema: PatchSchema(field.type), strategy: try PatchSchema.strategy(field.patchStrategies),
                mergeKey: field.patchMergeKey)
        case .other(let name):
            throw StrategicMergePatch.failure("merging an object in json but data type is not struct, instead is: \(name)")
        }
    }

    func listMember(_ key: String) throws(StatusError) -> Member {
        var member = try member(key)
        switch self {
        case .object(let type):
            guard let field = type.field(key), field.type.kind == .list, let element = field.type.element else {
                throw StrategicMergePatch.failure("expected slice or array type, but got: struct")
            }
            member.schema = PatchSchema(element)
        case .map(let type):
            guard type.kind == .list, let element = type.element else {
                throw StrategicMergePatch.failure("expected slice or array type, but got: map")
            }
            member.schema = PatchSchema(element)
        case .other: break
        }
        return member
    }

    /// The strategy besides `retainKeys`.
    private static func strategy(_ strategies: [String]) throws(StatusError) -> String {
        switch strategies.count {
        case 0: return ""
        case 1: return strategies[0] == "retainKeys" ? "" : strategies[0]
        case 2 where strategies[0] == "retainKeys": return strategies[1]
        case 2 where strategies[1] == "retainKeys": return strategies[0]
        default: throw StrategicMergePatch.failure("unexpected patch strategy: [\(strategies.joined(separator: " "))]")
        }
    }

    /// Go's word for the type.
    var name: String {
        switch self {
        case .object: "struct"
        case .map: "map"
        case .other(let name): name
        }
    }
}

extension JSON {
    /// As Go's `%v` prints a decoded value; only for messages.
    var goDescription: String {
        switch self {
        case .null: "<nil>"
        case .string(let text): text
        case .array(let elements): "[\(elements.map(\.goDescription).joined(separator: " "))]"
        case .object(let members): "map[\(members.map { "\($0.key):\($0.value.goDescription)" }.joined(separator: " "))]"
        case .bool, .int, .double: text
        }
    }
}
