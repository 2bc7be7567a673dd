/// A JSON value as Kubernetes sees one: integers and floating-point numbers are different, object keys are ordered by
/// their UTF-8 bytes and compared byte for byte.
///
/// Values are immutable trees with value semantics; copying one is a retain.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// The text, or nil when this isn't a string.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The integer, or nil when this isn't a number without a fraction.
    public var int: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number, or nil when this isn't one.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The truth value, or nil when this isn't one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements, or nil when this isn't an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    /// The object, or nil when this isn't one.
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The elements of an array; nothing for any other value.
    public var elements: [JSON] { array ?? [] }

    public var isNull: Bool { if case .null = self { true } else { false } }

    /// What upstream's error messages call the type: `string`, `number`, `bool`, `array`, `object` or `null`.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The value of `key`; nil when this isn't an object or has no such key.
    ///
    /// Setting nil removes the key. Setting a value on anything but an object replaces it by an object.
    public subscript(key: String) -> JSON? {
        get { if case .object(let object) = self { object[key] } else { nil } }
        set {
            switch self {
            case .object(var object):
                self = .null
                object[key] = newValue
                self = .object(object)
            default:
                guard let newValue else { return }
                self = .object(JSONObject([(key, newValue)]))
            }
        }
        _modify {
            guard case .object(var object) = self else {
                var value: JSON? = nil
                yield &value
                if let value { self = .object(JSONObject([(key, value)])) }
                return
            }
            self = .null
            yield &object[key]
            self = .object(object)
        }
    }

    /// The element at `index`; nil when this isn't an array or has no such index. Setting out of range, or nil, does nothing.
    public subscript(index: Int) -> JSON? {
        get { if case .array(let array) = self, array.indices.contains(index) { array[index] } else { nil } }
        set {
            guard case .array(var array) = self, array.indices.contains(index), let newValue else { return }
            self = .null
            array[index] = newValue
            self = .array(array)
        }
    }

    /// The value at the end of nested keys. Setting creates the objects on the way; setting nil removes the last key.
    public subscript(path path: String...) -> JSON? {
        get { self[keys: path[...]] }
        set { self[keys: path[...]] = newValue }
    }

    /// As `subscript(path:)`, for a path that isn't known when compiling.
    public subscript(keys path: ArraySlice<String>) -> JSON? {
        get {
            var value = self
            for key in path {
                guard let next = value[key] else { return nil }
                value = next
            }
            return value
        }
        set {
            guard let first = path.first else {
                if let newValue { self = newValue }
                return
            }
            if path.count == 1 {
                self[first] = newValue
            } else if newValue != nil || self[first] != nil {
                var child = self[first] ?? .object([:])
                self[first] = .null
                child[keys: path.dropFirst()] = newValue
                self[first] = child
            }
        }
    }
}

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }

    /// A string array, the commonest list in the API.
    public init(_ strings: some Sequence<String>) { self = .array(strings.map { .string($0) }) }

    /// A map of strings, such as labels.
    public init(_ strings: [String: String]) { self = .object(JSONObject(strings.map { ($0.key, .string($0.value)) })) }
}

extension JSON {
    /// This object's string values by key, as labels and annotations are; other values are left out.
    public var stringMap: [String: String] {
        guard case .object(let object) = self else { return [:] }
        var result = [String: String](minimumCapacity: object.count)
        for (key, value) in object { if case .string(let text) = value { result[key] = text } }
        return result
    }

    /// This array's strings; other elements are left out.
    public var strings: [String] { elements.compactMap(\.string) }
}
