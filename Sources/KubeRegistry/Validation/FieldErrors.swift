import KubeObject

/// Collects what is wrong with an object.
struct FieldErrors {
    private(set) var list: [FieldError] = []
    /// What is told, but not refused.
    var warnings: [String] = []

    var isEmpty: Bool { list.isEmpty }

    mutating func add(_ error: FieldError) { list.append(error) }
    mutating func required(_ path: String, _ detail: String = "") { list.append(.required(path, detail)) }
    mutating func invalid(_ path: String, _ value: JSON?, _ detail: String) { list.append(.invalid(path, value, detail)) }
    mutating func duplicate(_ path: String, _ value: JSON) { list.append(.duplicate(path, value)) }
    mutating func forbidden(_ path: String, _ detail: String) { list.append(.forbidden(path, detail)) }
    mutating func notSupported(_ path: String, _ value: JSON, _ supported: [String]) {
        list.append(.notSupported(path, value, supported))
    }

    /// A value that every problem is told of.
    mutating func invalid(_ path: @autoclosure () -> String, _ value: String, _ problems: [String]) {
        if problems.isEmpty { return }
        let path = path()
        for problem in problems { list.append(.invalid(path, .string(value), problem)) }
    }

    /// A number that may not be negative, where it is given at all.
    mutating func nonnegative(_ value: JSON?, _ path: @autoclosure () -> String) {
        if let number = value?.int, number < 0 {
            list.append(.invalid(path(), .int(number), "must be greater than or equal to 0"))
        }
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
        left == right || ((left?.isEmpty ?? true) && (right?.isEmpty ?? true))
    }
}
