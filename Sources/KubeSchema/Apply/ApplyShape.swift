import KubeObject

/// How server-side apply sees a value: as one piece, as members of their own, or as elements found by something.
///
/// Where the schema says nothing, the value itself decides: objects are members of their own, lists are one piece.
enum ApplyShape {
    case scalar
    /// Members merge. `member` tells how each is seen; `isNamed` whether the schema knows it by name.
    case map(members: Members)
    /// Elements are found by the values of these keys.
    case keyedList(keys: [String], element: ValueType?)
    /// Elements are found by their values.
    case set
    /// An object or list that is replaced as a whole.
    case atomic

    enum Members {
        case of(TypeSchema)
        case all(ValueType)
        case unknown
    }

    /// The shape of a whole object.
    init(_ type: TypeSchema?) {
        self = type.map { .map(members: .of($0)) } ?? .map(members: .unknown)
    }

    /// The shape of a field, or (without a field) of a list's element or a map's value.
    init(_ type: ValueType?, _ field: Field?, value: JSON) {
        guard let type else {
            self = ApplyShape(deducing: value)
            return
        }
        switch type.kind {
        case .object:
            guard let object = type.object else {
                self = ApplyShape(deducing: value)
                return
            }
            let isAtomic = field?.structType == "atomic" || field?.mapType == "atomic" || object.structType == "atomic"
            self = isAtomic ? .atomic : .map(members: .of(object))
        case .map:
            if field?.mapType == "atomic" {
                self = .atomic
            } else {
                self = type.element.map { .map(members: .all($0)) } ?? .atomic
            }
        case .list:
            switch field?.listType {
            case .map?: self = .keyedList(keys: field?.listMapKeys ?? [], element: type.element)
            case .set?: self = .set
            case .atomic?, nil: self = .atomic
            }
        case .anyJSON where value.object != nil: self = ApplyShape(deducing: value)
        case .rawExtension, .fieldsV1, .schemaOrBool, .schemaOrArray, .schemaOrStrings, .anyJSON: self = .atomic
        default: self = .scalar
        }
    }

    private init(deducing value: JSON) {
        switch value {
        case .object: self = .map(members: .unknown)
        case .array: self = .atomic
        default: self = .scalar
        }
    }

    /// How a member of this map is seen, and whether it is one that the schema names.
    static func member(_ name: String, of members: Members, value: JSON) -> (shape: ApplyShape, isNamed: Bool) {
        switch members {
        case .of(let type):
            guard let field = type.field(name) else { return (ApplyShape(nil, nil, value: value), false) }
            return (ApplyShape(field.type, field, value: value), true)
        case .all(let element): return (ApplyShape(element, nil, value: value), false)
        case .unknown: return (ApplyShape(nil, nil, value: value), false)
        }
    }

    /// How an element of a keyed list is found.
    static func key(of element: JSON, _ keys: [String], _ type: ValueType?) -> PathElement {
        var found = JSONObject()
        for key in keys {
            if let value = element[key] {
                found[key] = value
            } else if let value = type?.object?.field(key)?.defaultValue {
                found[key] = value
            }
        }
        return .key(found)
    }

    /// A list's elements with the ways to find them, when its elements have such; nil for anything else.
    func elements(of value: JSON?) -> [(PathElement, JSON)]? {
        guard case .array(let array)? = value else { return nil }
        switch self {
        case .keyedList(let keys, let type): return array.map { (ApplyShape.key(of: $0, keys, type), $0) }
        case .set: return array.map { (.value($0), $0) }
        default: return nil
        }
    }

    /// The shape of an element of a keyed list or a set.
    func element(_ value: JSON) -> ApplyShape {
        switch self {
        case .keyedList(_, let type): ApplyShape(type, nil, value: value)
        default: .scalar
        }
    }
}
