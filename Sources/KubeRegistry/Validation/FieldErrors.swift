import KubeObject

/// Collects what is wrong with an object.
struct FieldErrors {
    private(set) var list: [FieldError] = []
    /// What is told, but not refused.
    var warnings: [String] = []

    var isEmpty: Bool { list.isEmpty }

    mutating func add(_ error: FieldError) { list.append(error) }
    mutating func add(_ errors: [FieldError]) { list += errors }
    mutating func required(_ path: String, _ detail: String = "") { list.append(.required(path, detail)) }
    mutating func invalid(_ path: String, _ value: JSON?, _ detail: String) { list.append(.invalid(path, value, detail)) }
    mutating func duplicate(_ path: String, _ value: JSON) { list.append(.duplicate(path, value)) }
    mutating func forbidden(_ path: String, _ detail: String) { list.append(.forbidden(path, detail)) }
    mutating func notFound(_ path: String, _ value: JSON) { list.append(.notFound(path, value)) }
    mutating func tooLong(_ path: String, _ maximum: Int) { list.append(.tooLong(path, maximum: maximum)) }
    mutating func tooMany(_ path: String, _ actual: Int, _ maximum: Int) {
        list.append(.tooMany(path, actual, maximum: maximum))
    }
    mutating func notSupported(_ path: String, _ value: JSON, _ supported: [String]) {
        list.append(.notSupported(path, value, supported))
    }

    /// An invalid value that isn't shown.
    mutating func invalid(_ path: String, withoutValue detail: String) { list.append(FieldError(.invalid, path, nil, detail)) }

    /// A value that every problem is told of.
    mutating func invalid(_ path: @autoclosure () -> String, _ value: String, _ problems: [String]) {
        if problems.isEmpty { return }
        let path = path()
        for problem in problems { list.append(.invalid(path, .string(value), problem)) }
    }

    /// Checks each element of a list that may be missing.
    mutating func each(_ values: JSON?, _ path: String, _ check: (JSON, String, inout FieldErrors) -> Void) {
        guard case .array(let elements)? = values else { return }
        for (index, element) in elements.enumerated() { check(element, "\(path)[\(index)]", &self) }
    }

    /// A text that must be there and follow a rule.
    mutating func text(
        _ object: JSON, _ key: String, _ path: String, _ rule: (String) -> [String], _ detail: String = ""
    ) {
        let text = object.text(key)
        if text.isEmpty { return required("\(path).\(key)", detail) }
        invalid("\(path).\(key)", text, rule(text))
    }

    /// A text that must follow a rule if it is there and not empty.
    mutating func optionalText(_ object: JSON, _ key: String, _ path: String, _ rule: (String) -> [String]) {
        let text = object.text(key)
        if !text.isEmpty { invalid("\(path).\(key)", text, rule(text)) }
    }

    /// Texts that must be there and not be empty.
    mutating func texts(_ object: JSON, _ keys: [String], _ path: String) {
        for key in keys where !object.has(key) { required(path.isEmpty ? key : "\(path).\(key)") }
    }

    /// A number that may not be negative, where it is given at all.
    mutating func nonnegative(_ value: JSON?, _ path: @autoclosure () -> String) {
        if let number = value?.int, number < 0 {
            list.append(.invalid(path(), .int(number), "must be greater than or equal to 0"))
        }
    }

    /// Several such numbers of an object.
    mutating func nonnegative(_ object: JSON, _ keys: [String], _ path: String) {
        for key in keys { nonnegative(object[key], "\(path).\(key)") }
    }

    /// A number within bounds, where it is given at all.
    mutating func within(_ bounds: ClosedRange<Int64>, _ value: JSON?, _ path: @autoclosure () -> String) {
        if let number = value?.int, !bounds.contains(number) {
            list.append(.invalid(path(), .int(number), Names.outside(bounds)))
        }
    }

    /// The number or the name of a port; what is neither is taken for the number 0.
    mutating func port(_ value: JSON?, _ path: String) {
        if let name = value?.string { return invalid(path, name, Names.port(name)) }
        let number = value?.int ?? 0
        for problem in Names.portNumber(number) { invalid(path, .int(number), problem) }
    }

    /// A text that must be one of a few, where it is given at all.
    mutating func oneOf(_ value: JSON?, _ allowed: [String], _ path: @autoclosure () -> String, isRequired: Bool = false) {
        guard let text = value?.string, !text.isEmpty else {
            if isRequired { list.append(.required(path())) }
            return
        }
        if !allowed.contains(text) { list.append(.notSupported(path(), .string(text), allowed)) }
    }

    /// A field that an update may not change.
    mutating func immutable(
        _ new: JSON?, _ old: JSON?, _ path: @autoclosure () -> String, _ detail: String = "field is immutable"
    ) {
        if !Self.isSame(new, old) { list.append(.invalid(path(), new ?? .null, detail)) }
    }

    /// Whether two values mean the same: nothing, null and empty values are equal.
    static func isSame(_ left: JSON?, _ right: JSON?) -> Bool {
        if left == right || ((left?.isEmpty ?? true) && (right?.isEmpty ?? true)) { return true }
        switch (left, right) {
        case (.object(let left)?, .object(let right)?):
            return Set(left.keys).union(right.keys).allSatisfy { isSame(left[$0], right[$0]) }
        case (.array(let left)?, .array(let right)?):
            return left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        default: return false
        }
    }
}
