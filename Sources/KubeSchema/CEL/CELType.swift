/// A type of the Common Expression Language, as declarations give it and checks find it.
public indirect enum CELType: Sendable, Hashable, CustomStringConvertible {
    case dyn, error, null, bool, int, uint, double, string, bytes, duration, timestamp
    case list(CELType)
    case map(CELType, CELType)
    case optional(CELType)
    /// The type of a type; nil when that isn't known.
    case type(CELType?)
    /// A type with named fields, which a `CELEnvironment` tells, or with member functions only.
    case object(String)
    /// A type that has a name and no fields, and is never null.
    case opaque(String)
    /// A parameter of an overload's declaration.
    case parameter(Int)
    /// A type that isn't known yet.
    case variable(Int)

    /// As errors show it.
    public var description: String {
        switch self {
        case .dyn: "dyn"
        case .error: "!error!"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .duration: "duration"
        case .timestamp: "timestamp"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .optional(let inner): "optional_type(\(inner))"
        case .type(let inner): inner.map { "type(\($0))" } ?? "type"
        case .object(let name), .opaque(let name): name
        case .parameter(let index): "_param\(index)"
        case .variable(let index): "_var\(index)"
        }
    }

    var isDynamic: Bool { self == .dyn || self == .error }

    /// What its parts are.
    var parts: [CELType] {
        switch self {
        case .list(let element): [element]
        case .map(let key, let value): [key, value]
        case .optional(let inner): [inner]
        case .type(let inner): inner.map { [$0] } ?? []
        default: []
        }
    }

    /// Whether a value has one fixed size.
    var isScalar: Bool {
        switch self {
        case .bool, .double, .duration, .int, .timestamp, .uint: true
        case .optional(let inner): inner.isScalar
        default: false
        }
    }

    /// The same with every parameter replaced.
    func replacing(_ replacement: (Int) -> CELType) -> CELType {
        switch self {
        case .parameter(let index): replacement(index)
        case .list(let element): .list(element.replacing(replacement))
        case .map(let key, let value): .map(key.replacing(replacement), value.replacing(replacement))
        case .optional(let inner): .optional(inner.replacing(replacement))
        case .type(let inner): .type(inner?.replacing(replacement))
        default: self
        }
    }

    /// Types that are named as values are.
    static let named: [String: CELType] = [
        "bool": .bool, "bytes": .bytes, "double": .double, "google.protobuf.Duration": .duration, "int": .int,
        "list": .list(.dyn), "map": .map(.dyn, .dyn), "null_type": .null, "string": .string,
        "google.protobuf.Timestamp": .timestamp, "type": .type(nil), "uint": .uint, "optional_type": .optional(.dyn),
        "kubernetes.Quantity": .object("kubernetes.Quantity"), "kubernetes.URL": .object("kubernetes.URL"),
        "kubernetes.Semver": .object("kubernetes.Semver"), "kubernetes.NamedFormat": .object("kubernetes.NamedFormat"),
        "net.IP": .opaque("net.IP"), "net.CIDR": .opaque("net.CIDR"),
    ]
}
