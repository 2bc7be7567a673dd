public import KubeObject

/// A value while an expression is evaluated. Lists and maps that come out of objects stay as they are until they are looked into.
public indirect enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// Nanoseconds since 1970.
    case timestamp(Int128)
    /// Nanoseconds.
    case duration(Int64)
    case list([CELValue])
    case map([(key: CELValue, value: CELValue)])
    /// An array or object of JSON.
    case json(JSON)
    case optional(CELValue?)
    case type(String)
    case quantity(Quantity)
    case ip(CELIP)
    case cidr(CELIP, prefix: Int)
    case url(CELURL)
    /// The members of other libraries, such as the authorizer.
    case opaque(any CELOpaque)
}

/// A value whose functions somebody else has: the authorizer of admission policies, for one.
public protocol CELOpaque: Sendable {
    /// As `type()` names it.
    var typeName: String { get }
    /// Calls a member function.
    /// - Throws: `CELError` when there is no such function for these arguments, or it fails.
    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue
    /// What a call costs.
    func cost(of function: String) -> Int
    /// A field, or nil when there is none.
    /// - Throws: `CELError` when it has no value.
    func member(_ name: String) throws(CELError) -> CELValue?
}

extension CELOpaque {
    public func cost(of function: String) -> Int { 1 }
    public func member(_ name: String) throws(CELError) -> CELValue? { nil }
}

extension CELValue {
    /// JSON as CEL sees it.
    public init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array, .object: self = .json(json)
        }
    }

    /// The value as JSON; nil for what has no JSON form.
    public var jsonValue: JSON? {
        switch self {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .uint(let value): return Int64(exactly: value).map { .int($0) } ?? .double(Double(value))
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .bytes(let value): return .string(Base64.encode(value))
        case .timestamp, .duration: return CELConversion.string(self).map { .string($0) }
        case .quantity(let value): return .string(value.description)
        case .json(let value): return value
        case .list(let values):
            var array: [JSON] = []
            for value in values {
                guard let json = value.jsonValue else { return nil }
                array.append(json)
            }
            return .array(array)
        case .map(let entries):
            var object = JSONObject()
            for (key, value) in entries {
                guard case .string(let name) = key, let json = value.jsonValue else { return nil }
                object[name] = json
            }
            return .object(object)
        case .optional(let value): return value?.jsonValue ?? .null
        case .opaque(let value): return (value as? CELConstructed)?.jsonValue
        default: return nil
        }
    }

    /// The elements of a list; nil for anything else.
    var elements: [CELValue]? {
        switch self {
        case .list(let values): values
        case .json(.array(let array)): array.map { CELValue($0) }
        default: nil
        }
    }

    /// The entries of a map; nil for anything else.
    var entries: [(key: CELValue, value: CELValue)]? {
        switch self {
        case .map(let entries): entries
        case .json(.object(let object)): object.map { (.string($0.key), CELValue($0.value)) }
        default: nil
        }
    }

    /// Whether this is a map, without making its entries.
    var isMap: Bool {
        switch self {
        case .map, .json(.object): true
        default: false
        }
    }

    /// How many elements a list or map has, without making them.
    var count: Int? {
        switch self {
        case .list(let values): values.count
        case .map(let entries): entries.count
        case .json(.array(let array)): array.count
        case .json(.object(let object)): object.count
        default: nil
        }
    }

    /// As `type()` names it.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .list, .json(.array): "list"
        case .map, .json: "map"
        case .optional: "optional_type"
        case .type: "type"
        case .quantity: "kubernetes.Quantity"
        case .ip: "net.IP"
        case .cidr: "net.CIDR"
        case .url: "kubernetes.URL"
        case .opaque(let value): value.typeName
        }
    }

    /// The member of a map; nil when there is none, or this isn't a map.
    func member(_ key: CELValue) -> CELValue? {
        if case .json(.object(let object)) = self {
            guard case .string(let name) = key else { return nil }
            return object[name].map { CELValue($0) }
        }
        return entries?.first { CELComparison.equal($0.key, key) }?.value
    }
}

/// Equality and order.
enum CELComparison {
    /// Numbers of different types are equal when their values are.
    static func equal(_ left: CELValue, _ right: CELValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let a), .bool(let b)): return a == b
        case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
        case (.bytes(let a), .bytes(let b)): return a == b
        case (.timestamp(let a), .timestamp(let b)): return a == b
        case (.duration(let a), .duration(let b)): return a == b
        case (.type(let a), .type(let b)): return a == b
        case (.quantity(let a), .quantity(let b)): return a == b
        case (.ip(let a), .ip(let b)): return a == b
        case (.cidr(let a, let p), .cidr(let b, let q)): return a == b && p == q
        case (.url(let a), .url(let b)): return a == b
        case (.json(let a), .json(let b)): return a == b || equalCollections(left, right)
        case (.optional(let a), .optional(let b)):
            switch (a, b) {
            case (nil, nil): return true
            case (let a?, let b?): return equal(a, b)
            default: return false
            }
        default:
            if let order = numbers(left, right) { return order == 0 }
            return equalCollections(left, right)
        }
    }

    private static func equalCollections(_ left: CELValue, _ right: CELValue) -> Bool {
        if let a = left.elements, let b = right.elements { return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) } }
        if let a = left.entries, let b = right.entries {
            return a.count == b.count && a.allSatisfy { entry in right.member(entry.key).map { equal($0, entry.value) } ?? false }
        }
        return false
    }

    /// Negative, zero or positive; nil when the values have no order.
    static func order(_ left: CELValue, _ right: CELValue) -> Int? {
        func compare<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
        switch (left, right) {
        case (.bool(let a), .bool(let b)): return compare(a ? 1 : 0, b ? 1 : 0)
        case (.string(let a), .string(let b)):
            if a.utf8.elementsEqual(b.utf8) { return 0 }
            return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        case (.bytes(let a), .bytes(let b)): return a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
        case (.timestamp(let a), .timestamp(let b)): return compare(a, b)
        case (.duration(let a), .duration(let b)): return compare(a, b)
        case (.quantity(let a), .quantity(let b)): return compare(a, b)
        default: return numbers(left, right)
        }
    }

    private static func numbers(_ left: CELValue, _ right: CELValue) -> Int? {
        switch (left, right) {
        case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
        case (.uint(let a), .uint(let b)): return a < b ? -1 : a == b ? 0 : 1
        case (.int(let a), .uint(let b)): return a < 0 || UInt64(a) < b ? -1 : UInt64(a) == b ? 0 : 1
        case (.uint, .int): return numbers(right, left).map { -$0 }
        case (.double(let a), .double(let b)): return a < b ? -1 : a == b ? 0 : a > b ? 1 : nil
        case (.double(let a), .int(let b)): return a < Double(b) ? -1 : a == Double(b) ? 0 : a > Double(b) ? 1 : nil
        case (.double(let a), .uint(let b)): return a < Double(b) ? -1 : a == Double(b) ? 0 : a > Double(b) ? 1 : nil
        case (.int, .double), (.uint, .double): return numbers(right, left).map { -$0 }
        default: return nil
        }
    }
}
