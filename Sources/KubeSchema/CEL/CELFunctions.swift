import KubeObject

/// The functions: the standard ones, the extensions that upstream enables, and Kubernetes' own libraries.
/// Source: https://kubernetes.io/docs/reference/using-api/cel/
enum CELFunctions {
    /// Names of types, which are values.
    static let typeNames: Set<String> = [
        "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type",
    ]

    /// Functions called through a name space.
    static let qualified: Set<String> = Set([
        "math.greatest", "math.least", "math.ceil", "math.floor", "math.round", "math.trunc", "math.abs", "math.sign",
        "math.isNaN",
        "math.isInf", "math.isFinite", "sets.contains", "sets.equivalent", "sets.intersects", "optional.of", "optional.none",
        "optional.ofNonZeroValue", "optional.unwrap", "base64.encode", "base64.decode", "ip.isCanonical", "format.named",
        "strings.quote", "lists.range", "jsonpatch.escapeKey",
    ]).union(CELFormat.allCases.map { "format.\($0.rawValue)" })

    static func call(_ name: String, isMember: Bool, _ values: [CELValue]) throws(CELError) -> CELValue {
        if let value = try operators(name, values) { return value }
        if let value = try conversions(name, values) { return value }
        if let value = try texts(name, values) { return value }
        if let value = try times(name, values) { return value }
        if let value = try lists(name, values) { return value }
        if let value = try optionals(name, values) { return value }
        if let value = try kubernetes(name, values) { return value }
        if let value = try network(name, values) { return value }
        throw known.contains(name) ? .noOverload(name) : CELError("undeclared reference to '\(name)' (in container '')")
    }

    private static let known: Set<String> = [
        "size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string", "bytes", "bool", "timestamp",
        "duration",
        "indexOf", "lastIndexOf", "quantity", "url", "ip", "cidr", "sum", "min", "max",
    ]

    private static func operators(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch (name, values.count) {
        case ("_==_", 2): return .bool(CELComparison.equal(values[0], values[1]))
        case ("_!=_", 2): return .bool(!CELComparison.equal(values[0], values[1]))
        case ("_<_", 2): return .bool(try order(name, values) < 0)
        case ("_<=_", 2): return .bool(try order(name, values) <= 0)
        case ("_>_", 2): return .bool(try order(name, values) > 0)
        case ("_>=_", 2): return .bool(try order(name, values) >= 0)
        case ("_in_", 2):
            if values[1].isMap { return .bool(values[1].member(values[0]) != nil) }
            guard let elements = values[1].elements else { throw .noOverload("@in") }
            return .bool(elements.contains { CELComparison.equal($0, values[0]) })
        case ("!_", 1):
            guard case .bool(let value) = values[0] else { throw .noOverload(name) }
            return .bool(!value)
        case ("-_", 1):
            switch values[0] {
            case .int(let value):
                guard value != .min else { throw CELError("integer overflow") }
                return .int(-value)
            case .double(let value): return .double(-value)
            case .duration(let value): return .duration(-value)
            default: throw .noOverload(name)
            }
        case ("_+_", 2), ("_-_", 2), ("_*_", 2), ("_/_", 2), ("_%_", 2): return try arithmetic(name, values[0], values[1])
        default: return nil
        }
    }

    private static func order(_ name: String, _ values: [CELValue]) throws(CELError) -> Int {
        guard let order = CELComparison.order(values[0], values[1]) else { throw .noOverload(name) }
        return order
    }

    private static func arithmetic(_ name: String, _ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        func checked<T>(_ result: (partialValue: T, overflow: Bool), _ what: String) throws(CELError) -> T {
            guard !result.overflow else { throw CELError(what) }
            return result.partialValue
        }
        switch (left, right, name) {
        case (.int(let a), .int(let b), _):
            switch name {
            case "_+_": return .int(try checked(a.addingReportingOverflow(b), "integer overflow"))
            case "_-_": return .int(try checked(a.subtractingReportingOverflow(b), "integer overflow"))
            case "_*_": return .int(try checked(a.multipliedReportingOverflow(by: b), "integer overflow"))
            default:
                guard b != 0 else { throw CELError(name == "_/_" ? "division by zero" : "modulus by zero") }
                return name == "_/_"
                    ? .int(try checked(a.dividedReportingOverflow(by: b), "integer overflow"))
                    : .int(try checked(a.remainderReportingOverflow(dividingBy: b), "integer overflow"))
            }
        case (.uint(let a), .uint(let b), _):
            switch name {
            case "_+_": return .uint(try checked(a.addingReportingOverflow(b), "unsigned integer overflow"))
            case "_-_": return .uint(try checked(a.subtractingReportingOverflow(b), "unsigned integer overflow"))
            case "_*_": return .uint(try checked(a.multipliedReportingOverflow(by: b), "unsigned integer overflow"))
            default:
                guard b != 0 else { throw CELError(name == "_/_" ? "division by zero" : "modulus by zero") }
                return .uint(name == "_/_" ? a / b : a % b)
            }
        case (.double(let a), .double(let b), _):
            switch name {
            case "_+_": return .double(a + b)
            case "_-_": return .double(a - b)
            case "_*_": return .double(a * b)
            case "_/_": return .double(a / b)
            default: throw .noOverload(name)
            }
        case (.string(let a), .string(let b), "_+_"): return .string(a + b)
        case (.bytes(let a), .bytes(let b), "_+_"): return .bytes(a + b)
        case (.timestamp(let a), .duration(let b), "_+_"), (.duration(let b), .timestamp(let a), "_+_"):
            return .timestamp(a + Int128(b))
        case (.timestamp(let a), .duration(let b), "_-_"): return .timestamp(a - Int128(b))
        case (.timestamp(let a), .timestamp(let b), "_-_"):
            guard let nanos = Int64(exactly: a - b) else { throw CELError("duration overflow") }
            return .duration(nanos)
        case (.duration(let a), .duration(let b), "_+_"):
            return .duration(try checked(a.addingReportingOverflow(b), "duration overflow"))
        case (.duration(let a), .duration(let b), "_-_"):
            return .duration(try checked(a.subtractingReportingOverflow(b), "duration overflow"))
        default:
            if name == "_+_", let a = left.elements, let b = right.elements { return .list(a + b) }
            throw .noOverload(name)
        }
    }

    private static func conversions(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        guard values.count == 1 else { return nil }
        let value = values[0]
        switch name {
        case "int": return .int(try CELConversion.int(value))
        case "uint": return .uint(try CELConversion.uint(value))
        case "double": return .double(try CELConversion.double(value))
        case "bool": return .bool(try CELConversion.bool(value))
        case "string":
            guard let text = CELConversion.string(value) else { throw .noOverload(name) }
            return .string(text)
        case "bytes":
            if case .bytes = value { return value }
            guard case .string(let text) = value else { throw .noOverload(name) }
            return .bytes(Array(text.utf8))
        case "dyn": return value
        case "type": return .type(value.typeName)
        case "timestamp":
            switch value {
            case .timestamp: return value
            case .int(let seconds): return .timestamp(Int128(seconds) * 1_000_000_000)
            case .string(let text): return .timestamp(try CELConversion.timestamp(text))
            default: throw .noOverload(name)
            }
        case "duration":
            switch value {
            case .duration: return value
            case .string(let text):
                guard let nanos = GoDuration.nanoseconds(text) else {
                    throw CELError("type conversion error from 'string' to 'google.protobuf.Duration'")
                }
                return .duration(nanos)
            default: throw .noOverload(name)
            }
        case "size":
            switch value {
            case .string(let text): return .int(Int64(text.unicodeScalars.count))
            case .bytes(let bytes): return .int(Int64(bytes.count))
            default:
                guard let count = value.count else { throw .noOverload(name) }
                return .int(Int64(count))
            }
        case "base64.encode":
            guard case .bytes(let bytes) = value else { throw .noOverload(name) }
            return .string(Base64.encode(bytes))
        case "base64.decode":
            guard case .string(let text) = value, let bytes = Base64.decode(text) else { throw CELError("illegal base64 data") }
            return .bytes(bytes)
        default: return nil
        }
    }
}
