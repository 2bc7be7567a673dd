public import KubeObject

/// A tree doesn't have a type's shape. `message` is what Go's decoder would have said.
public struct DecodeError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}

/// A tree in the shape of its type.
public struct Decoded: Sendable {
    /// Without unknown fields, and written as Go would write what it read: nulls and empty optional values are gone,
    /// quantities and times are canonical, fields that are always written (`status: {}`) are there.
    public var tree: JSON
    /// The paths of fields that the type doesn't have: `spec.template.spec.containers[0].foo`. At most 100.
    public var unknownFields: [String]
}

extension TypeSchema {
    /// Reads `tree` as this type.
    public func decode(_ tree: JSON) throws(DecodeError) -> Decoded { try decode(tree, isMerged: false) }

    /// - Parameter isMerged: whether the tree is what a strategic merge patch made, which upstream turns into an object by other
    ///   code, with other words for what is wrong.
    func decode(_ tree: JSON, isMerged: Bool) throws(DecodeError) -> Decoded {
        if let custom { return try custom.schema.decode(tree) }
        var decoder = Decoder(isMerged: isMerged)
        let decoded = try decoder.object(tree, self, goName: "v1.\(goName)")
        return Decoded(tree: decoded, unknownFields: decoder.unknown)
    }
}

/// Walks a tree beside its type. Both objects' members and types' fields are ordered by their names' bytes, so an object is
/// matched with its type in one pass.
struct Decoder {
    enum Step {
        case field(String)
        case key(String)
        case index(Int)
    }

    /// Upstream tells of no more.
    private static let maximumUnknown = 100

    let isMerged: Bool
    private(set) var unknown: [String] = []
    private var path: [Step] = []
    /// The name of the innermost struct, for messages.
    private var structName = ""

    init(isMerged: Bool) { self.isMerged = isMerged }

    mutating func object(_ value: JSON, _ type: TypeSchema, goName: String) throws(DecodeError) -> JSON {
        let object: JSONObject
        switch value {
        case .object(let members): object = members
        case .null: object = JSONObject()
        default: throw mismatch(value, goName, .object)
        }
        let outer = structName
        structName = type.goName
        defer { structName = outer }
        let fields = type.fields
        var members: [(String, JSON)] = []
        members.reserveCapacity(object.count + 2)
        var next = 0
        for (key, member) in object {
            while next < fields.count, precedes(fields[next].jsonName, key) {
                if let zero = Zero.written(fields[next]) { members.append((fields[next].jsonName, zero)) }
                next += 1
            }
            if next < fields.count, fields[next].jsonName == key {
                let field = fields[next]
                next += 1
                path.append(.field(field.jsonName))
                if let kept = try self.field(member, field) { members.append((field.jsonName, kept)) }
                path.removeLast()
            } else if type.preservesUnknownFields {
                members.append((key, member))
            } else if unknown.count < Decoder.maximumUnknown {
                unknown.append(fullPath(key))
            }
        }
        while next < fields.count {
            if let zero = Zero.written(fields[next]) { members.append((fields[next].jsonName, zero)) }
            next += 1
        }
        return .object(JSONObject(members))
    }

    /// The value as it is written, or nil when it is left out.
    private mutating func field(_ value: JSON, _ field: Field) throws(DecodeError) -> JSON? {
        if value.isNull { return Zero.written(field) }
        let decoded = try self.value(value, field.type)
        if field.isOmitEmpty, !field.type.isPointer, Zero.isEmpty(decoded, field.type.kind) { return nil }
        // Lists and maps that are written although they are empty come back from storage as null.
        if field.type.kind == .list || field.type.kind == .map, !field.type.isPointer, Zero.isEmpty(decoded, field.type.kind) {
            return .null
        }
        return decoded
    }

    /// A value that isn't null.
    private mutating func value(_ value: JSON, _ type: ValueType) throws(DecodeError) -> JSON {
        switch type.kind {
        case .object:
            guard let object = type.object else { return value }
            return try self.object(value, object, goName: type.goName)
        case .list:
            guard let element = type.element else { return value }
            return try list(value, element, goName: type.goName)
        case .map:
            guard let element = type.element else { return value }
            return try map(value, element, goName: type.goName)
        case .string:
            guard case .string = value else { throw mismatch(value, type.goName, .string) }
            return value
        case .bool:
            guard case .bool = value else { throw mismatch(value, type.goName, .bool) }
            return value
        case .int32: return try integer(value, Int64(Int32.min)...Int64(Int32.max), type.goName)
        case .int64: return try integer(value, Int64.min...Int64.max, type.goName)
        case .double:
            guard value.double != nil else { throw mismatch(value, type.goName, .double) }
            return value
        case .intOrString:
            if case .string = value { return value }
            return try integer(value, Int64(Int32.min)...Int64(Int32.max), "int32")
        case .bytes:
            guard case .string(let text) = value else { throw mismatch(value, type.goName, .list) }
            return .string(try GoValue.base64(text))
        case .quantity: return .string(try GoValue.quantity(value))
        case .time, .microTime:
            guard case .string(let text) = value else { throw mismatch(value, "string", nil) }
            return try GoValue.time(text, micro: type.kind == .microTime)
        case .duration:
            guard case .string = value else { throw mismatch(value, "string", nil) }
            return value
        case .rawExtension, .anyJSON, .fieldsV1: return value
        case .schemaOrBool, .schemaOrArray, .schemaOrStrings: return try schema(value, type)
        }
    }

    private mutating func list(_ value: JSON, _ element: ValueType, goName: String) throws(DecodeError) -> JSON {
        guard case .array(let elements) = value else { throw mismatch(value, goName, .list) }
        var decoded: [JSON] = []
        decoded.reserveCapacity(elements.count)
        for (index, item) in elements.enumerated() {
            path.append(.index(index))
            decoded.append(item.isNull ? Zero.value(element) : try self.value(item, element))
            path.removeLast()
        }
        return .array(decoded)
    }

    private mutating func map(_ value: JSON, _ element: ValueType, goName: String) throws(DecodeError) -> JSON {
        guard case .object(let members) = value else { throw mismatch(value, goName, .map) }
        var decoded: [(String, JSON)] = []
        decoded.reserveCapacity(members.count)
        for (key, item) in members {
            path.append(.key(key))
            decoded.append((key, item.isNull ? Zero.value(element) : try self.value(item, element)))
            path.removeLast()
        }
        return .object(JSONObject(decoded))
    }

    private func integer(_ value: JSON, _ range: ClosedRange<Int64>, _ goName: String) throws(DecodeError) -> JSON {
        guard case .int(let number) = value, range.contains(number) else { throw mismatch(value, goName, .int64) }
        return value
    }

    private mutating func schema(_ value: JSON, _ type: ValueType) throws(DecodeError) -> JSON {
        switch (type.kind, value) {
        case (_, .object):
            guard let object = type.object else { return value }
            return try self.object(value, object, goName: type.goName)
        case (.schemaOrBool, .bool): return value
        case (.schemaOrBool, _): throw DecodeError(message: "boolean or JSON schema expected")
        case (.schemaOrArray, .array):
            guard let object = type.object else { return value }
            return try list(value, ValueType(.object, goName: "v1.JSONSchemaProps", object: object), goName: type.goName)
        case (_, .array):
            return try list(value, ValueType(.string, goName: "string"), goName: "[]string")
        default: return .null
        }
    }

    // MARK: Messages

    /// - Parameter kind: of the type that was wanted; nil for one that reads itself.
    private func mismatch(_ value: JSON, _ goName: String, _ kind: ValueType.Kind?) -> DecodeError {
        if isMerged, let kind { return mergedMismatch(value, goName, kind) }
        var what = value.typeName
        // Go names the number when it is a number, just not one that fits.
        let wantsNumber = goName.hasPrefix("int") || goName == "float64"
        if what == "number", wantsNumber { what += " \(value.text)" }
        let fields = path.compactMap { if case .field(let name) = $0 { name } else { nil } }.joined(separator: ".")
        let into = fields.isEmpty ? "Go value" : "Go struct field \(structName).\(fields)"
        return DecodeError(message: "json: cannot unmarshal \(what) into \(into) of type \(goName)")
    }

    /// What upstream's converter of untyped objects says.
    private func mergedMismatch(_ value: JSON, _ goName: String, _ kind: ValueType.Kind) -> DecodeError {
        let found =
            switch value {
            case .null: "invalid"
            case .bool: "bool"
            case .int: "int64"
            case .double: "float64"
            case .string: "string"
            case .array: "slice"
            case .object: "map"
            }
        switch kind {
        case .list: return DecodeError(message: "cannot restore slice from \(found)")
        case .map: return DecodeError(message: "cannot restore map from \(found)")
        case .object: return DecodeError(message: "cannot restore struct from: \(found)")
        default: break
        }
        // Go can convert numbers to each other and to texts; the converter doesn't let it.
        switch (value, kind) {
        case (.int, .string), (.int, .int64), (.double, .int64):
            return DecodeError(message: "cannot convert \(found) to \(goName)")
        default:
            return DecodeError(message: "unrecognized type: \(kind == .string ? "string" : kind == .double ? "float64" : goName)")
        }
    }

    private func fullPath(_ key: String) -> String {
        var text = ""
        for step in path + [.key(key)] {
            switch step {
            case .field(let name), .key(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
