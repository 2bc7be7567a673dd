public import KubeObject

extension StructuralSchema {
    /// What is wrong with an object's values: types, limits, required fields, then lists' keys and embedded objects. Rules in CEL
    /// apart (`ruleErrors`). At most a hundred.
    ///
    /// - Parameter old: the object before, on an update: what it already had wrong, and still has unchanged, isn't told (KEP-4008).
    public func errors(in object: JSON, old: JSON? = nil) -> [FieldError] {
        var validation = StructuralValidation()
        validation.validate(object, self, "", old: old)
        let shape = shapeErrors(in: object)
        guard !shape.isEmpty, old.map({ shapeErrors(in: $0).isEmpty }) ?? true else { return validation.errors }
        return Array((validation.errors + shape).prefix(StructuralValidation.maximumErrors))
    }

    private func shapeErrors(in object: JSON) -> [FieldError] {
        var validation = StructuralValidation()
        validation.shape(object, self, "", isRoot: true)
        return validation.errors
    }
}

/// The elements that a keyed list had before, by their keys. Elements of other lists can't be told apart.
struct CorrelatedList {
    private let keys: [String]
    private var elements: [JSON: JSON] = [:]

    init(_ schema: StructuralSchema, _ old: JSON?) {
        keys = schema.listType == "map" ? schema.listMapKeys : []
        guard !keys.isEmpty, let old else { return }
        for element in old.elements { elements[key(element)] = element }
    }

    private func key(_ element: JSON) -> JSON { .array(keys.map { element[$0] ?? .null }) }

    func find(_ element: JSON) -> JSON? { elements.isEmpty ? nil : elements[key(element)] }
}

/// A walk of an object beside its schema. The wording is that of upstream's OpenAPI validator.
struct StructuralValidation {
    static let maximumErrors = 100

    private(set) var errors: [FieldError] = []

    private var isFull: Bool { errors.count >= Self.maximumErrors }

    private mutating func add(_ type: FieldError.ErrorType, _ path: String, _ value: JSON?, _ detail: String) {
        guard !isFull else { return }
        errors.append(FieldError(type, path.isEmpty ? "<nil>" : path, value, detail))
    }

    private mutating func addInvalid(_ path: String, _ value: JSON, _ what: String) {
        add(.invalid, path, value, "\(path) in body \(what)")
    }

    private static func child(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    // MARK: Values

    mutating func validate(_ value: JSON, _ schema: StructuralSchema, _ path: String, old: JSON? = nil) {
        if isFull || old == value { return }
        checkType(value, schema, path)
        checkAllowed(value, schema, path)
        guard !value.isNull else { return }
        junctors(value, schema, path)
        switch value {
        case .string(let text): string(text, schema, path)
        case .int, .double: number(value, schema, path)
        case .array(let elements): list(elements, schema, path, old)
        case .object(let members): object(members, schema, path, schema.mapType == "atomic" ? nil : old)
        case .bool, .null: break
        }
    }

    /// As JSON schema names a value's type.
    private static func typeName(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private mutating func checkType(_ value: JSON, _ schema: StructuralSchema, _ path: String) {
        let allowed = schema.allowedTypes
        guard !allowed.isEmpty else { return }
        if value.isNull, schema.isNullable { return }
        let actual = Self.typeName(value)
        if allowed.contains(actual) || actual == "integer" && allowed.contains("number") { return }
        if actual == "number", allowed.contains("integer"), value.int != nil { return }
        add(
            .typeInvalid, path, .string(actual),
            "\(path) in body must be of type \(allowed.joined(separator: ",")): \(JSON.string(actual).text)")
        // Upstream's check of numbers tells of it once more, and of no field.
        if actual == "number", allowed == ["integer"] {
            let format = schema.limits.format
            let wanted = format.isEmpty ? "(default format)" : "with format \(format)"
            add(.invalid, "<nil>", "", "Checked value must be of type integer \(wanted) in \(path)")
        }
    }

    private mutating func checkAllowed(_ value: JSON, _ schema: StructuralSchema, _ path: String) {
        guard let allowed = schema.limits.allowed, !allowed.contains(where: { Self.equal($0, value) }) else { return }
        let texts = allowed.map { JSON.string($0.string ?? $0.text).text }
        add(.notSupported, path, value, "supported values: \(texts.joined(separator: ", "))")
    }

    /// 1 and 1.0 are one number.
    static func equal(_ left: JSON, _ right: JSON) -> Bool {
        if left == right { return true }
        if case .int = left, case .int = right { return false }
        guard let a = left.double, let b = right.double else { return false }
        return a == b
    }

    private mutating func string(_ text: String, _ schema: StructuralSchema, _ path: String) {
        let limits = schema.limits
        if limits.maxLength != nil || limits.minLength != nil {
            let length = Int64(text.unicodeScalars.count)
            if let maximum = limits.maxLength, length > maximum {
                add(.tooLong, path, nil, "may not be more than \(maximum) bytes")
            }
            if let minimum = limits.minLength, length < minimum {
                addInvalid(path, .string(text), "should be at least \(minimum) chars long")
            }
        }
        if let regex = limits.regex, !regex.matches(text) {
            addInvalid(path, .string(text), "should match '\(limits.pattern)'")
        }
        if !limits.format.isEmpty, !StringFormat.isValid(text, limits.format) {
            add(.typeInvalid, path, .string(text), "\(path) in body must be of type \(limits.format): \(JSON.string(text).text)")
        }
    }

    private mutating func number(_ value: JSON, _ schema: StructuralSchema, _ path: String) {
        let limits = schema.limits
        if let multiple = limits.multipleOf, !Self.isMultiple(value, of: multiple) {
            addInvalid(path, value, "should be a multiple of \(multiple.text)")
        }
        if let maximum = limits.maximum {
            let isExclusive = limits.isMaximumExclusive
            if Self.less(maximum, value) || isExclusive && Self.equal(maximum, value) {
                addInvalid(path, value, "should be less than \(isExclusive ? "" : "or equal to ")\(maximum.text)")
            }
        }
        if let minimum = limits.minimum {
            let isExclusive = limits.isMinimumExclusive
            if Self.less(value, minimum) || isExclusive && Self.equal(minimum, value) {
                addInvalid(path, value, "should be greater than \(isExclusive ? "" : "or equal to ")\(minimum.text)")
            }
        }
    }

    private static func less(_ left: JSON, _ right: JSON) -> Bool {
        if case .int(let a) = left, case .int(let b) = right { return a < b }
        return (left.double ?? 0) < (right.double ?? 0)
    }

    private static func isMultiple(_ value: JSON, of factor: JSON) -> Bool {
        if case .int(let value) = value, let factor = factor.int, factor > 0 { return value % factor == 0 }
        guard let value = value.double, let factor = factor.double, factor > 0 else { return true }
        let quotient = value / factor
        return quotient == quotient.rounded()
    }

    private mutating func list(_ elements: [JSON], _ schema: StructuralSchema, _ path: String, _ old: JSON?) {
        if let items = schema.items {
            let before = CorrelatedList(schema, old)
            for (index, element) in elements.enumerated() {
                guard !isFull else { break }
                validate(element, items, "\(path)[\(index)]", old: before.find(element))
            }
        }
        if let minimum = schema.limits.minItems, elements.count < minimum {
            addInvalid(path, .int(Int64(elements.count)), "should have at least \(minimum) items")
        }
        if let maximum = schema.limits.maxItems, elements.count > maximum {
            add(.tooMany, path, .int(Int64(elements.count)), "must have at most \(maximum) items")
        }
    }

    private mutating func object(_ members: JSONObject, _ schema: StructuralSchema, _ path: String, _ old: JSON?) {
        if let minimum = schema.limits.minProperties, members.count < minimum {
            addInvalid(path, .int(minimum), "should have at least \(minimum) properties")
        }
        if let maximum = schema.limits.maxProperties, members.count > maximum {
            add(.tooMany, path, .int(Int64(members.count)), "must have at most \(maximum) items")
        }
        for name in schema.required where members[name] == nil { add(.required, Self.child(path, name), nil, "") }
        for (name, value) in members {
            guard !isFull else { break }
            if let property = schema.properties[name] {
                validate(value, property, Self.child(path, name), old: old?[name])
                continue
            }
            switch schema.additionalProperties {
            case .schema(let additional): validate(value, additional, Self.child(path, name), old: old?[name])
            case .allowed(false):
                let full = Self.child(path, name)
                add(.invalid, full, .string(name), "\(path).\(name) in body is a forbidden property")
            case .allowed(true), .unspecified: break
            }
        }
    }

    // MARK: Junctors

    private func errorsOf(_ value: JSON, _ schema: StructuralSchema, _ path: String) -> [FieldError] {
        var inner = StructuralValidation()
        inner.validate(value, schema, path)
        return inner.errors
    }

    private mutating func addAll(_ found: [FieldError]) { errors += found.prefix(max(0, Self.maximumErrors - errors.count)) }

    private mutating func junctors(_ value: JSON, _ schema: StructuralSchema, _ path: String) {
        func fail(_ sentence: String) -> FieldError {
            FieldError(.invalid, "<nil>", "", "\(JSON.string(path).text) \(sentence)")
        }
        if !schema.anyOf.isEmpty {
            let outcomes = schema.anyOf.map { errorsOf(value, $0, path) }
            if !outcomes.contains(where: \.isEmpty) {
                addAll([fail("must validate at least one schema (anyOf)")] + (outcomes.min { $0.count < $1.count } ?? []))
            }
        }
        if !schema.oneOf.isEmpty {
            let outcomes = schema.oneOf.map { errorsOf(value, $0, path) }
            let valid = outcomes.count(where: \.isEmpty)
            if valid == 0 {
                addAll(
                    [fail("must validate one and only one schema (oneOf). Found none valid")]
                        + (outcomes.min { $0.count < $1.count } ?? []))
            } else if valid > 1 {
                addAll([fail("must validate one and only one schema (oneOf). Found \(valid) valid alternatives")])
            }
        }
        if !schema.allOf.isEmpty {
            let outcomes = schema.allOf.map { errorsOf(value, $0, path) }
            let valid = outcomes.count(where: \.isEmpty)
            if valid < outcomes.count {
                addAll(
                    outcomes.flatMap { $0 } + [
                        fail("must validate all the schemas (allOf)\(valid == 0 ? ". None validated" : "")")
                    ])
            }
        }
        if let not = schema.not, errorsOf(value, not, path).isEmpty { addAll([fail("must not validate the schema (not)")]) }
    }

    // MARK: Lists' keys and embedded objects

    /// Sets and keyed lists without duplicates; embedded objects with what every object has.
    mutating func shape(_ value: JSON, _ schema: StructuralSchema, _ path: String, isRoot: Bool = false) {
        guard !isFull else { return }
        switch value {
        case .array(let elements):
            if schema.listType == "set" || schema.listType == "map" { unique(elements, schema, path) }
            if let items = schema.items {
                for (index, element) in elements.enumerated() { shape(element, items, "\(path)[\(index)]") }
            }
        case .object(let members):
            if schema.isEmbeddedResource, !isRoot { embedded(value, path) }
            for (name, member) in members {
                if let property = schema.properties[name] {
                    shape(member, property, Self.child(path, name))
                } else if let additional = schema.additionalSchema {
                    shape(member, additional, "\(path)[\(name)]")
                }
            }
        default: break
        }
    }

    private mutating func unique(_ elements: [JSON], _ schema: StructuralSchema, _ path: String) {
        var seen: Set<JSON> = []
        var told: Set<JSON> = []
        for (index, element) in elements.enumerated() {
            var key = element
            if schema.listType == "map" {
                guard element.object != nil else { continue }
                key = .object(JSONObject(schema.listMapKeys.compactMap { name in element[name].map { (name, $0) } }))
            }
            if !seen.insert(key).inserted, told.insert(key).inserted { add(.duplicate, "\(path)[\(index)]", key, "") }
        }
    }

    private mutating func embedded(_ value: JSON, _ path: String) {
        for name in ["apiVersion", "kind"] where value[name]?.string?.isEmpty ?? true {
            add(.required, "\(path).\(name)", nil, "")
        }
        if let name = value[path: "metadata", "name"]?.string, !name.isEmpty {
            for problem in ObjectNames.segmentProblems(name) { add(.invalid, "\(path).metadata.name", .string(name), problem) }
        }
        for (key, _) in value[path: "metadata", "labels"]?.object ?? [:] {
            if let problem = LabelSyntax.keyProblem(key) { add(.invalid, "\(path).metadata.labels", .string(key), problem) }
        }
    }
}
