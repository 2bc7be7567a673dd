import KubeObject

/// One entry of `x-kubernetes-validations`, compiled.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
public struct ValidationRule: Sendable {
    public let rule: String
    public let message: String
    public let messageExpression: String
    public let reason: String
    public let fieldPath: String
    /// Whether `oldSelf` is an optional, so that the rule is evaluated when an object is created too; nil when nothing is said.
    public let optionalOldSelf: Bool?

    let program: Result<CELProgram, CELError>
    let messageProgram: Result<CELProgram, CELError>?
    /// Whether it is about a change, and not about a value.
    let usesOldSelf: Bool

    init(_ json: JSON) {
        rule = json["rule"]?.string ?? ""
        message = json["message"]?.string ?? ""
        messageExpression = json["messageExpression"]?.string ?? ""
        reason = json["reason"]?.string ?? ""
        fieldPath = json["fieldPath"]?.string ?? ""
        optionalOldSelf = json["optionalOldSelf"]?.bool
        program = Self.compile(rule)
        messageProgram = messageExpression.isEmpty ? nil : Self.compile(messageExpression)
        if case .success(let program) = program {
            usesOldSelf = program.freeNames.contains("oldSelf")
        } else {
            usesOldSelf = false
        }
    }

    var hasOptionalOldSelf: Bool { optionalOldSelf ?? false }

    private static func compile(_ source: String) -> Result<CELProgram, CELError> {
        do throws(CELError) { return .success(try CELProgram(source)) } catch { return .failure(error) }
    }

    /// The message, or else the rule itself, as errors quote it.
    var text: String { Self.trimmed(message.isEmpty ? rule : message) }

    /// The detail of an error when the rule isn't met.
    var detail: String { message.isEmpty ? "failed rule: \(Self.trimmed(rule))" : Self.trimmed(message) }

    static func trimmed(_ text: String) -> String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
        while let last = scalars.last, isSpace(last) { scalars.removeLast() }
        return String(scalars)
    }

    static let reasons = ["FieldValueRequired", "FieldValueInvalid", "FieldValueForbidden", "FieldValueDuplicate"]

    /// What is wrong with the texts of a rule, whatever its expressions say.
    ///
    /// - Parameter schema: the one that the rule stands at.
    static func textErrors(in json: JSON, _ path: String, of schema: JSON) -> [FieldError] {
        func text(_ key: String) -> String { json[key]?.string ?? "" }
        func hasLineBreaks(_ text: String) -> Bool { text.utf8.contains { $0 == 10 || $0 == 13 } }
        let (rule, message) = (trimmed(text("rule")), trimmed(text("message")))
        var errors: [FieldError] = []
        if rule.isEmpty {
            errors.append(.required("\(path).rule", "rule is not specified"))
        } else if message.isEmpty, !text("message").isEmpty {
            errors.append(.invalid("\(path).message", json["message"], "must be non-empty if specified"))
        } else if hasLineBreaks(message) {
            errors.append(.invalid("\(path).message", json["message"], "must not contain line breaks"))
        } else if message.isEmpty, hasLineBreaks(rule) {
            errors.append(.required("\(path).message", "message must be specified if rule contains line breaks"))
        }
        if !text("messageExpression").isEmpty, trimmed(text("messageExpression")).isEmpty {
            errors.append(.required("\(path).messageExpression", "messageExpression must be non-empty if specified"))
        }
        if let reason = json["reason"]?.string, !reasons.contains(reason) {
            errors.append(.notSupported("\(path).reason", .string(reason), reasons.sorted()))
        }
        let fieldPath = text("fieldPath")
        guard !fieldPath.isEmpty else { return errors }
        if trimmed(fieldPath).isEmpty {
            errors.append(.invalid("\(path).fieldPath", .string(fieldPath), "must be non-empty if specified"))
        }
        if hasLineBreaks(fieldPath) {
            errors.append(.invalid("\(path).fieldPath", .string(fieldPath), "must not contain line breaks"))
        }
        if !isPath(fieldPath, in: schema) {
            errors.append(.invalid("\(path).fieldPath", .string(fieldPath), "must be a valid path"))
        }
        return errors
    }

    /// The rule as upstream's own type prints it.
    var shown: String {
        func text(_ value: String) -> String {
            JSON.string(value).text.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing(
                "&", with: "\\u0026")
        }
        return "{\"Rule\":\(text(rule)),\"Message\":\(text(message)),\"MessageExpression\":\(text(messageExpression)),"
            + "\"Reason\":\(reason.isEmpty ? "null" : text(reason)),\"FieldPath\":\(text(fieldPath)),"
            + "\"OptionalOldSelf\":\(optionalOldSelf.map { $0 ? "true" : "false" } ?? "null")}"
    }

    /// Whether the path leads to a field below the schema: `.a.b` or `['a'].b`.
    private static func isPath(_ path: String, in schema: JSON) -> Bool {
        var rest = path[...]
        var current: JSON? = schema
        while !rest.isEmpty {
            let name: String
            if rest.hasPrefix("['") {
                guard let end = rest.firstRange(of: "']") else { return false }
                name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end.lowerBound])
                rest = rest[end.upperBound...]
            } else if rest.hasPrefix(".") {
                let word = rest.dropFirst().prefix { $0 != "." && $0 != "[" }
                guard !word.isEmpty else { return false }
                name = String(word)
                rest = rest.dropFirst(1 + word.count)
            } else {
                return false
            }
            let additional = current?["additionalProperties"]
            guard let next = current?[path: "properties", name] ?? (additional?.object == nil ? nil : additional) else {
                return false
            }
            current = next
        }
        return true
    }
}
