import KubeObject

/// Whether an applied object has the shape of its type: unlike other writes, an apply may not have fields that nobody knows,
/// because nobody could own them. The words are those of upstream's merge library.
struct ApplyCheck {
    private var problems: [String] = []
    private static let maximumProblems = 100

    /// What is wrong; nil when nothing is.
    static func problem(of applied: JSON, type: TypeSchema) -> String? {
        var check = ApplyCheck()
        check.object(applied, type, "")
        switch check.problems.count {
        case 0: return nil
        case 1: return check.problems[0]
        default: return (["errors:"] + check.problems.map { "  \($0)" }).joined(separator: "\n")
        }
    }

    private mutating func add(_ path: String, _ what: String) {
        guard problems.count < Self.maximumProblems else { return }
        problems.append(path.isEmpty ? what : "\(path): \(what)")
    }

    private mutating func object(_ value: JSON, _ type: TypeSchema, _ path: String) {
        switch value {
        case .null: return
        case .object(let members):
            for (name, member) in members {
                guard let field = type.field(name) else {
                    if type.preservesUnknownFields { continue }
                    // Upstream looks no further in this object.
                    return add("\(path).\(name)", "field not declared in schema")
                }
                self.value(member, field.type, field, "\(path).\(name)")
            }
        default: add(path, "expected map, got \(Self.shown(value))")
        }
    }

    private mutating func value(_ value: JSON, _ type: ValueType, _ field: Field?, _ path: String) {
        if value.isNull { return }
        switch type.kind {
        case .object:
            if let object = type.object { self.object(value, object, path) }
        case .map:
            guard let members = value.object else { return add(path, "expected map, got \(Self.shown(value))") }
            guard let element = type.element else { return }
            for (name, member) in members { self.value(member, element, nil, "\(path).\(name)") }
        case .list:
            guard let elements = value.array else { return add(path, "expected list, got \(Self.shown(value))") }
            list(elements, type, field, path)
        case .bool: if value.bool == nil { add(path, "expected boolean, got \(Self.shown(value))") }
        case .int32, .int64, .double:
            if value.double == nil { add(path, "expected numeric (int or float), got \(Self.typeName(value))") }
        case .string, .bytes, .time, .microTime, .duration:
            if value.string == nil {
                add(path, "expected string, got &value.valueUnstructured{Value:\(Self.source(value))}")
            }
        case .quantity, .intOrString:
            if value.object != nil || value.array != nil { add(path, "expected any scalar, got \(Self.shown(value))") }
        case .rawExtension, .anyJSON, .fieldsV1, .schemaOrBool, .schemaOrArray, .schemaOrStrings: break
        }
    }

    private mutating func list(_ elements: [JSON], _ type: ValueType, _ field: Field?, _ path: String) {
        guard let element = type.element else { return }
        var seen: Set<PathElement> = []
        for (index, item) in elements.enumerated() {
            var step = PathElement.index(index)
            switch field?.listType {
            case .map?:
                guard !item.isNull else {
                    return add(path, "element \(index): associative list with keys may not have a null element")
                }
                guard item.object != nil else {
                    return add(path, "element \(index): associative list with keys may not have non-map elements")
                }
                let keys = field?.listMapKeys ?? []
                guard keys.contains(where: { item[$0] != nil || element.object?.field($0)?.defaultValue != nil }) else {
                    let list = keys.map { JSON.string($0).text }.joined(separator: " ")
                    return add(
                        path,
                        "element \(index): associative list with keys has an element that omits all key fields [\(list)] (and doesn't have default values for any key fields)"
                    )
                }
                step = ApplyShape.key(of: item, keys, element)
            case .set?:
                switch item {
                case .object:
                    return add(path, "element \(index): associative list without keys has an element that's a map type")
                case .array: return add(path, "element \(index): not supported: associative list with lists as elements")
                case .null:
                    return add(path, "element \(index): associative list without keys has an element that's an explicit null")
                default: step = .value(item)
                }
            case .atomic?, nil: break
            }
            if !seen.insert(step).inserted { add(path, "duplicate entries for key \(step.pathText)") }
            value(item, element, nil, path + step.pathText)
        }
    }

    // MARK: Go's ways to print a value

    private static func shown(_ value: JSON) -> String { "&{\(value.goDescription)}" }

    private static func typeName(_ value: JSON) -> String {
        switch value {
        case .null: "<nil>"
        case .bool: "bool"
        case .int: "int64"
        case .double: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    /// As `%#v`.
    private static func source(_ value: JSON) -> String {
        switch value {
        case .null: "interface {}(nil)"
        case .bool, .int, .double, .string: value.text
        case .array(let elements): "[]interface {}{\(elements.map(source).joined(separator: ", "))}"
        case .object(let members):
            "map[string]interface {}{\(members.map { "\(JSON.string($0.key).text):\(source($0.value))" }.joined(separator: ", "))}"
        }
    }
}
