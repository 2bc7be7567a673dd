public import KubeObject

extension Protobuf {
    /// Reads a bare message of a type. Fields that the type doesn't know are skipped, as generated code does.
    public static func decode(message: [UInt8], type: TypeSchema) throws(ProtobufError) -> JSON {
        let result = message.withUnsafeBytes { bytes -> Result<JSON, ProtobufError> in
            do throws(ProtobufError) { return .success(.object(try object(bytes, type, depth: 0))) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func object(
        _ bytes: UnsafeRawBufferPointer, _ type: TypeSchema, depth: Int
    ) throws(ProtobufError) -> JSONObject {
        guard depth < maximumDepth else { throw ProtobufError("proto: messages nest too deeply") }
        let plan = type.protobufPlan
        var members = JSONObject()
        var lists: [Int: [JSON]] = [:]
        var maps: [Int: [(String, JSON)]] = [:]
        var reader = ProtobufReader(bytes)
        while let (number, wire) = try reader.next() {
            guard let entry = plan.byNumber[number] else { continue }
            switch entry {
            case .embedded(let embedded):
                guard case .bytes(let content) = wire else { throw wrongType(number) }
                guard let inner = embedded.object else { continue }
                for (key, value) in try object(content, inner, depth: depth + 1) { members[key] = value }
            case .field(let field):
                switch (field.type.kind, field.type.element) {
                case (.list, let element?) where !field.type.isProtobufMessage:
                    lists[number, default: []].append(try value(wire, element, depth: depth))
                case (.map, let element?):
                    maps[number, default: []].append(try mapEntry(wire, element, depth: depth))
                default: members[field.jsonName] = try value(wire, field.type, depth: depth)
                }
            }
        }
        for (number, elements) in lists { set(.array(elements), plan.byNumber[number], &members) }
        for (number, entries) in maps { set(.object(JSONObject(entries)), plan.byNumber[number], &members) }
        dropEmpty(type, &members)
        return members
    }

    private static func set(_ value: JSON, _ entry: ProtobufPlan.Entry?, _ members: inout JSONObject) {
        if case .field(let field)? = entry { members[field.jsonName] = value }
    }

    /// Generated code writes zero values that JSON leaves out.
    private static func dropEmpty(_ type: TypeSchema, _ members: inout JSONObject) {
        for (key, value) in members {
            guard let field = type.field(key) else { continue }
            let isZero: Bool =
                switch value {
                case .null: true
                case .bool(let bool): !bool
                case .int(let int): int == 0
                case .double(let double): double == 0
                case .string(let string): string.isEmpty
                case .array(let array): array.isEmpty
                case .object(let object): field.type.kind != .object && object.isEmpty
                }
            let isLeftOut = field.isOmitZero || (field.isOmitEmpty && !field.type.isPointer)
            if isZero && (isLeftOut || value.isNull) { members[key] = nil }
            if field.isOmitZero, case .object(let object) = value, object.isEmpty, !field.type.isPointer { members[key] = nil }
        }
    }

    private static func mapEntry(
        _ wire: ProtobufReader.Value, _ element: ValueType, depth: Int
    ) throws(ProtobufError) -> (String, JSON) {
        guard case .bytes(let content) = wire else { throw ProtobufError("proto: wrong wireType for a map") }
        var key = ""
        var found: JSON?
        var reader = ProtobufReader(content)
        while let (number, part) = try reader.next() {
            if number == 1, case .bytes(let text) = part { key = String(decoding: text, as: UTF8.self) }
            if number == 2 { found = try value(part, element, depth: depth) }
        }
        if let found { return (key, found) }
        return (key, try zero(element, depth: depth))
    }

    private static func zero(_ type: ValueType, depth: Int) throws(ProtobufError) -> JSON {
        switch type.kind {
        case .bool: .bool(false)
        case .int32, .int64: .int(0)
        case .double: .double(0)
        default: try value(.bytes(UnsafeRawBufferPointer(start: nil, count: 0)), type, depth: depth)
        }
    }

    private static func wrongType(_ number: Int) -> ProtobufError { ProtobufError("proto: wrong wireType for field \(number)") }

    private static func value(_ wire: ProtobufReader.Value, _ type: ValueType, depth: Int) throws(ProtobufError) -> JSON {
        switch (wire, type.kind) {
        case (.varint(let number), .bool): return .bool(number != 0)
        case (.varint(let number), .int32): return .int(Int64(Int32(truncatingIfNeeded: number)))
        case (.varint(let number), .int64): return .int(Int64(bitPattern: number))
        case (.fixed64(let bits), .double): return .double(Double(bitPattern: bits))
        case (.bytes(let content), .string): return .string(String(decoding: content, as: UTF8.self))
        case (.bytes(let content), .bytes): return .string(Base64.encode(content))
        case (.bytes(let content), .object):
            guard let object = type.object else { return .object([:]) }
            return .object(try self.object(content, object, depth: depth + 1))
        case (.bytes(let content), .list), (.bytes(let content), .map):
            // A named list that is a message of its own: `items = 1`.
            guard let element = type.element else { return .array([]) }
            var elements: [JSON] = []
            var reader = ProtobufReader(content)
            while let (number, part) = try reader.next() {
                if number == 1 { elements.append(try value(part, element, depth: depth + 1)) }
            }
            return .array(elements)
        case (.bytes(let content), let kind): return try special(content, kind, type, depth: depth)
        default: throw ProtobufError("proto: wrong wireType for a field of type \(type.goName)")
        }
    }

    /// The types with a JSON form of their own.
    private static func special(
        _ content: UnsafeRawBufferPointer, _ kind: ValueType.Kind, _ type: ValueType, depth: Int
    ) throws(ProtobufError) -> JSON {
        var ints: [Int: Int64] = [:]
        var parts: [Int: [UnsafeRawBufferPointer]] = [:]
        var reader = ProtobufReader(content)
        while let (number, value) = try reader.next() {
            switch value {
            case .varint(let int): ints[number] = Int64(bitPattern: int)
            case .bytes(let part): parts[number, default: []].append(part)
            default: break
            }
        }
        func text(_ number: Int) -> String { String(decoding: parts[number]?.last ?? .init(start: nil, count: 0), as: UTF8.self) }
        func schema(_ part: UnsafeRawBufferPointer) throws(ProtobufError) -> JSON {
            guard let object = type.object else { return .object([:]) }
            return .object(try self.object(part, object, depth: depth + 1))
        }
        switch kind {
        case .quantity:
            let text = text(1)
            return .string(text.isEmpty ? "0" : text)
        case .time:
            guard let seconds = ints[1] else { return .null }
            return .string(Timestamp.format(Double(seconds)))
        case .microTime:
            guard let seconds = ints[1] else { return .null }
            return .string(Timestamp.formatMicro(Double(seconds) + Double(ints[2] ?? 0) / 1e9))
        case .duration: return .string(GoDuration.format(nanoseconds: ints[1] ?? 0))
        case .intOrString: return ints[1] == 1 ? .string(text(3)) : .int(Int64(Int32(truncatingIfNeeded: ints[2] ?? 0)))
        case .rawExtension, .anyJSON, .fieldsV1:
            guard let raw = parts[1]?.last, !raw.isEmpty else { return .null }
            do { return try JSON(parsing: raw) } catch { throw ProtobufError(error.description) }
        case .schemaOrBool: return try parts[2]?.last.map(schema) ?? .bool(ints[1] == 1)
        case .schemaOrArray:
            if let one = parts[1]?.last { return try schema(one) }
            var schemas: [JSON] = []
            for part in parts[2] ?? [] { schemas.append(try schema(part)) }
            return .array(schemas)
        case .schemaOrStrings:
            if let one = parts[1]?.last { return try schema(one) }
            return .array((parts[2] ?? []).map { .string(String(decoding: $0, as: UTF8.self)) })
        default: throw ProtobufError("proto: wrong wireType for a field of type \(type.goName)")
        }
    }
}
