import KubeObject

/// Reads the rows of types: first all names, then, when everything is known, the fields.
struct TypeParser {
    private var table: TypeTable
    private var package: TypeTable.Package?
    private var pending: [(type: TypeSchema, package: TypeTable.Package, rows: [Substring])] = []
    private var flattened: Set<ObjectIdentifier> = []

    /// `base` has what the rows may refer to.
    init(base: TypeTable?) { table = base ?? TypeTable() }

    /// Reads the rows of one or more packages.
    mutating func read(_ text: String) throws(SchemaError) {
        for line in TextLines(text[...]) {
            switch line.utf8.first {
            case UInt8(ascii: "@"):
                let words = line.dropFirst().words
                guard words.count == 3 else { throw SchemaError("a package needs three words: \(line)") }
                package = TypeTable.Package(name: words[0], prefix: words[1], goName: words[2])
                table.packages[words[0]] = package
            case UInt8(ascii: "+"): try declare(line.dropFirst().words, line)
            case UInt8(ascii: "="): try declareAlias(line.dropFirst().words, line)
            default:
                guard !pending.isEmpty else { throw SchemaError("a field before the first type: \(line)") }
                pending[pending.count - 1].rows.append(line)
            }
        }
    }

    private mutating func declare(_ words: [Substring], _ line: Substring) throws(SchemaError) {
        guard let package, let name = words.first else { throw SchemaError("a type before the first package: \(line)") }
        let structType = words.dropFirst().first?.dropFirst(3) ?? ""
        let type = TypeSchema(
            name: "\(package.prefix).\(name)", rowName: "\(package.name).\(name)", goName: String(name),
            structType: String(structType))
        table.insert(type)
        pending.append((type, package, []))
    }

    private mutating func declareAlias(_ words: [Substring], _ line: Substring) throws(SchemaError) {
        guard let package, words.count >= 2 else { throw SchemaError("not a named type: \(line)") }
        var alias = TypeTable.Alias(token: words[1], package: package, enumValues: [], isProtobufMessage: false)
        for word in words.dropFirst(2) {
            if word == "message" {
                alias.isProtobufMessage = true
            } else if word.hasPrefix("enum=") {
                alias.enumValues = word.dropFirst(5).split(separator: ",").map { String($0.replacing("~", with: " ")) }
            } else {
                throw SchemaError("\(word) is unknown: \(line)")
            }
        }
        table.aliases["\(package.name).\(words[0])"] = alias
    }

    /// The table with everything that was read.
    mutating func finish() throws(SchemaError) -> TypeTable {
        for (type, package, rows) in pending {
            var members: [TypeSchema.Member] = []
            var fields: [Field] = []
            for row in rows {
                let words = row.words
                guard words.count >= 3, let number = Int(words[1]) else {
                    throw SchemaError("not a field of \(type.name): \(row)")
                }
                if words[0] == "^" {
                    members.append(.embedded(try valueType(words[2], in: package), protoNumber: number))
                } else {
                    members.append(.field(fields.count))
                    fields.append(try FieldRow.parse(words, number: number, type: try valueType(words[2], in: package)))
                }
            }
            type.fields = fields
            type.members = members
        }
        for (type, _, _) in pending { flatten(type) }
        findDefaults()
        pending = []
        return table
    }

    /// Puts the embedded structs' fields beside the type's own, and all in order.
    private mutating func flatten(_ type: TypeSchema) {
        guard flattened.insert(ObjectIdentifier(type)).inserted else { return }
        var fields = type.fields.enumerated().map { (own: Optional($0.offset), field: $0.element) }
        for case .embedded(let embedded, _) in type.members {
            guard let object = embedded.object else { continue }
            if pending.contains(where: { $0.type === object }) { flatten(object) }
            fields += object.fields.map { (own: nil, field: $0) }
        }
        fields.sort { precedes($0.field.jsonName, $1.field.jsonName) }
        var position = [Int](repeating: 0, count: type.fields.count)
        for (index, entry) in fields.enumerated() { if let own = entry.own { position[own] = index } }
        type.fields = fields.map(\.field)
        type.members = type.members.map { if case .field(let own) = $0 { .field(position[own]) } else { $0 } }
    }

    /// Marks the types with defaults, then those that contain them, until there are no more (types contain themselves).
    private func findDefaults() {
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for (type, _, _) in pending where !type.hasDefaults {
                type.hasDefaults = type.fields.contains {
                    $0.defaultValue != nil || TypeSchema.object(in: $0.type)?.hasDefaults == true
                }
                hasChanged = hasChanged || type.hasDefaults
            }
        }
    }

    // MARK: Types

    private mutating func valueType(_ token: Substring, in package: TypeTable.Package) throws(SchemaError) -> ValueType {
        let isPlain = !token.utf8.contains(UInt8(ascii: "."))
        let key = isPlain || token.utf8.contains(UInt8(ascii: "/")) ? String(token) : "\(package.name) \(token)"
        if let known = table.valueTypes[key] { return known }
        let made = try makeValueType(token, in: package)
        table.valueTypes[key] = made
        return made
    }

    private mutating func makeValueType(
        _ token: Substring, in package: TypeTable.Package
    ) throws(SchemaError) -> ValueType {
        if token.hasPrefix("*") {
            let value = try valueType(token.dropFirst(), in: package)
            let pointer = ValueType(
                value.kind, goName: value.goName, isPointer: true, object: value.object, element: value.element,
                enumValues: value.enumValues)
            pointer.isProtobufMessage = value.isProtobufMessage
            return pointer
        }
        if token.hasPrefix("[]") {
            let element = try valueType(token.dropFirst(2), in: package)
            return ValueType(.list, goName: "[]\(element.goName)", element: element)
        }
        if token.hasPrefix("{}") {
            let element = try valueType(token.dropFirst(2), in: package)
            return ValueType(.map, goName: "map[string]\(element.goName)", element: element)
        }
        if let (kind, goName) = TypeParser.plain[String(token)] {
            let schemaProps = table.structs["apiextensions/v1.JSONSchemaProps"]
            let isSchema = kind == .schemaOrBool || kind == .schemaOrArray || kind == .schemaOrStrings
            return ValueType(kind, goName: goName, object: isSchema ? schemaProps : nil)
        }
        return try namedType(token, in: package)
    }

    private mutating func namedType(_ token: Substring, in package: TypeTable.Package) throws(SchemaError) -> ValueType {
        guard let dot = token.lastIndex(of: ".") else { throw SchemaError("unknown type \(token)") }
        let owner: TypeTable.Package
        if dot == token.startIndex {
            owner = package
        } else {
            guard let found = table.packages[token[..<dot]] else { throw SchemaError("unknown package of \(token)") }
            owner = found
        }
        let name = token[token.index(after: dot)...]
        let goName = "\(owner.goName).\(name)"
        if let object = table.structs["\(owner.name).\(name)"] { return ValueType(.object, goName: goName, object: object) }
        guard let alias = table.aliases["\(owner.name).\(name)"] else {
            throw SchemaError("unknown type \(token) in \(package.name)")
        }
        let value = try valueType(alias.token, in: alias.package)
        let named = ValueType(
            value.kind, goName: goName, isPointer: value.isPointer, object: value.object, element: value.element,
            enumValues: alias.enumValues.isEmpty ? value.enumValues : alias.enumValues)
        named.isProtobufMessage = alias.isProtobufMessage
        return named
    }

    private static let plain: [String: (ValueType.Kind, String)] = [
        "s": (.string, "string"), "b": (.bool, "bool"), "i": (.int32, "int32"), "l": (.int64, "int64"), "d": (.double, "float64"),
        "y": (.bytes, "[]uint8"), "!quantity": (.quantity, "resource.Quantity"), "!time": (.time, "v1.Time"),
        "!microtime": (.microTime, "v1.MicroTime"), "!duration": (.duration, "v1.Duration"),
        "!intstr": (.intOrString, "intstr.IntOrString"), "!raw": (.rawExtension, "runtime.RawExtension"),
        "!json": (.anyJSON, "v1.JSON"), "!fields": (.fieldsV1, "v1.FieldsV1"),
        "!schemaOrBool": (.schemaOrBool, "v1.JSONSchemaPropsOrBool"),
        "!schemaOrArray": (.schemaOrArray, "v1.JSONSchemaPropsOrArray"),
        "!schemaOrStrings": (.schemaOrStrings, "v1.JSONSchemaPropsOrStringArray"),
    ]
}
