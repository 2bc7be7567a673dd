import KubeObject

/// Go's zero values, and what its encoder writes and leaves out.
enum Zero {
    /// What is written for a field that isn't set; nil when it is left out.
    static func written(_ field: Field) -> JSON? {
        if field.isOmitZero { return nil }
        if field.isOmitEmpty, field.type.isPointer || !isStruct(field.type.kind) { return nil }
        return value(field.type)
    }

    /// Structs are written even when they are empty and `omitempty`.
    static func isStruct(_ kind: ValueType.Kind) -> Bool {
        switch kind {
        case .bool, .int32, .int64, .double, .string, .bytes, .list, .map: false
        default: true
        }
    }

    /// The encoded zero value of a type.
    static func value(_ type: ValueType) -> JSON {
        if type.isPointer { return .null }
        switch type.kind {
        case .bool: return false
        case .int32, .int64, .double, .intOrString: return 0
        case .string: return ""
        case .quantity: return "0"
        case .duration: return "0s"
        case .bytes, .time, .microTime, .rawExtension, .anyJSON, .fieldsV1, .list, .map, .schemaOrArray, .schemaOrStrings:
            return .null
        case .schemaOrBool: return false
        case .object:
            var members: [(String, JSON)] = []
            for field in type.object?.fields ?? [] { if let zero = written(field) { members.append((field.jsonName, zero)) } }
            return .object(JSONObject(members))
        }
    }

    /// Whether `omitempty` leaves the value out.
    static func isEmpty(_ value: JSON, _ kind: ValueType.Kind) -> Bool {
        if isStruct(kind) { return false }
        switch value {
        case .null: return true
        case .bool(let value): return !value
        case .int(let value): return value == 0
        case .double(let value): return value == 0
        case .string(let value): return value.isEmpty
        case .array(let value): return value.isEmpty
        case .object(let value): return value.isEmpty
        }
    }
}
