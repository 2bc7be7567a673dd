public import KubeObject

extension Protobuf {
    /// Writes a bare message of a type. Fields of the tree that the type doesn't know are left out.
    ///
    /// Like upstream's generated code, it writes every field that isn't a pointer, zero or not, in the order of the numbers.
    public static func encode(message tree: JSON, type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        var writer = ProtobufWriter(capacity: 2048)
        try write(tree, type, to: &writer, depth: 0)
        return writer.bytes
    }

    static func write(
        _ tree: JSON, _ type: TypeSchema, to writer: inout ProtobufWriter, depth: Int
    ) throws(ProtobufError) {
        guard depth < maximumDepth else { throw ProtobufError("proto: messages nest too deeply") }
        let plan = type.protobufPlan
        let values = plan.values(of: tree)
        for index in plan.steps.indices {
            let (step, value) = (plan.steps[index], values[index])
            switch step.form {
            case .embedded(let inner, let isPointer):
                // An embedded pointer is there when one of its fields is.
                if isPointer, !inner.protobufPlan.hasFields(in: tree) { continue }
                try writer.field(step.number) { writer throws(ProtobufError) in
                    try write(tree, inner, to: &writer, depth: depth + 1)
                }
            case .one(let type): try write(value, type, step.number, to: &writer, depth: depth)
            case .optional(let type):
                if value != nil { try write(value, type, step.number, to: &writer, depth: depth) }
            case .each(let element):
                for item in value?.elements ?? [] { try write(item, element, step.number, to: &writer, depth: depth) }
            case .members(let element):
                guard let value else { continue }
                for (key, item) in value.object ?? [:] {
                    try writer.field(step.number) { writer throws(ProtobufError) in
                        writer.field(1, text: key)
                        try write(item, element, 2, to: &writer, depth: depth)
                    }
                }
            }
        }
    }

    private static func write(
        _ value: JSON?, _ type: ValueType, _ number: Int, to writer: inout ProtobufWriter, depth: Int
    ) throws(ProtobufError) {
        func wrong() -> ProtobufError { ProtobufError("a field of type \(type.goName) is a \(value?.typeName ?? "null")") }
        switch type.kind {
        case .bool: writer.field(number, varint: value?.bool ?? false ? 1 : 0)
        case .int32, .int64: writer.field(number, int: value?.int ?? 0)
        case .double: writer.field(number, double: value?.double ?? 0)
        case .string:
            guard let text = value?.string ?? (value == nil ? "" : nil) else { throw wrong() }
            writer.field(number, text: text)
        case .bytes:
            guard let text = value?.string ?? (value == nil ? "" : nil), let bytes = Base64.decode(text) else { throw wrong() }
            writer.field(number, bytes: bytes)
        case .object:
            try writer.field(number) { writer throws(ProtobufError) in
                if let object = type.object { try write(value ?? .object([:]), object, to: &writer, depth: depth + 1) }
            }
        case .list, .map:
            try writer.field(number) { writer throws(ProtobufError) in
                guard let element = type.element else { return }
                for item in value?.elements ?? [] { try write(item, element, 1, to: &writer, depth: depth + 1) }
            }
        default:
            try writer.field(number) { writer throws(ProtobufError) in
                try special(value, type, to: &writer, depth: depth)
            }
        }
    }

    /// The inside of the types with a JSON form of their own.
    private static func special(
        _ value: JSON?, _ type: ValueType, to writer: inout ProtobufWriter, depth: Int
    ) throws(ProtobufError) {
        switch type.kind {
        case .quantity: writer.field(1, text: value?.string ?? value.map(\.text) ?? "0")
        case .time:
            guard let text = value?.string, let seconds = Timestamp.parse(text) else { return }
            writer.field(1, int: Int64(seconds.rounded(.down)))
            writer.field(2, int: 0)
        case .microTime:
            guard let text = value?.string, let seconds = Timestamp.parse(text) else { return }
            let whole = seconds.rounded(.down)
            writer.field(1, int: Int64(whole))
            writer.field(2, int: Int64(((seconds - whole) * 1e6).rounded()) * 1000)
        case .duration: writer.field(1, int: GoDuration.nanoseconds(value?.string ?? "0s") ?? 0)
        case .intOrString:
            writer.field(1, int: value?.string == nil ? 0 : 1)
            writer.field(2, int: value?.string == nil ? value?.int ?? 0 : 0)
            writer.field(3, text: value?.string ?? "")
        case .rawExtension, .anyJSON, .fieldsV1:
            if let value { writer.field(1, json: value) }
        case .schemaOrBool:
            writer.field(1, varint: value?.bool ?? (value?.object != nil) ? 1 : 0)
            if value?.object != nil { try writeSchema(value, type, 2, to: &writer, depth: depth) }
        case .schemaOrArray:
            if value?.object != nil { try writeSchema(value, type, 1, to: &writer, depth: depth) }
            for item in value?.elements ?? [] { try writeSchema(item, type, 2, to: &writer, depth: depth) }
        case .schemaOrStrings:
            if value?.object != nil { try writeSchema(value, type, 1, to: &writer, depth: depth) }
            for item in value?.strings ?? [] { writer.field(2, text: item) }
        default: break
        }
    }

    private static func writeSchema(
        _ value: JSON?, _ type: ValueType, _ number: Int, to writer: inout ProtobufWriter, depth: Int
    ) throws(ProtobufError) {
        guard let object = type.object else { return }
        try writer.field(number) { writer throws(ProtobufError) in
            try write(value ?? .object([:]), object, to: &writer, depth: depth + 1)
        }
    }
}
