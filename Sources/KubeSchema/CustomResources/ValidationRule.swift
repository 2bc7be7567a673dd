import KubeObject

/// One entry of `x-kubernetes-validations`, compiled.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
public struct ValidationRule: Sendable {
    public let rule: String
    public let message: String
    public let messageExpression: String
    public let reason: String
    public let fieldPath: String
    public let hasOptionalOldSelf: Bool

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
        hasOptionalOldSelf = json["optionalOldSelf"]?.bool ?? false
        program = Self.compile(rule)
        messageProgram = messageExpression.isEmpty ? nil : Self.compile(messageExpression)
        if case .success(let program) = program {
            usesOldSelf = program.freeNames.contains("oldSelf")
        } else {
            usesOldSelf = false
        }
    }

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

    /// What is wrong with the rule as a part of a definition.
    ///
    /// - Parameter schema: the one that the rule stands at.
    func definitionErrors(_ path: String, in schema: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        func refuse(_ key: String, _ detail: String) {
            errors.append(FieldError(.invalid, "\(path).\(key)", nil, detail, shownValue: shown))
        }
        if Self.trimmed(rule).isEmpty {
            errors.append(.required("\(path).rule", "rule is not specified"))
        } else {
            switch program {
            case .failure(let error): refuse("rule", "compilation failed: \(error)")
            case .success(let program):
                for name in program.freeNames.subtracting(["self", "oldSelf"]).sorted() {
                    refuse("rule", "compilation failed: undeclared reference to '\(name)' (in container '')")
                }
            }
        }
        if case .failure(let error)? = messageProgram {
            refuse("messageExpression", "messageExpression compilation failed: \(error)")
        }
        if message.utf8.contains(UInt8(ascii: "\n")) {
            errors.append(.invalid("\(path).message", .string(message), "must not contain line breaks"))
        } else if !message.isEmpty, Self.trimmed(message).isEmpty {
            errors.append(.invalid("\(path).message", .string(message), "must be non-empty if specified"))
        }
        if message.isEmpty, messageExpression.isEmpty, rule.utf8.contains(UInt8(ascii: "\n")) {
            errors.append(.required("\(path).message", "message must be specified if rule contains line breaks"))
        }
        if !reason.isEmpty, !Self.reasons.contains(reason) {
            errors.append(.notSupported("\(path).reason", .string(reason), Self.reasons.sorted()))
        }
        if !fieldPath.isEmpty, !Self.isPath(fieldPath, in: schema) {
            errors.append(.invalid("\(path).fieldPath", .string(fieldPath), "must be a valid path"))
        }
        if hasOptionalOldSelf, !usesOldSelf {
            errors.append(.invalid("\(path).optionalOldSelf", true, "may not be set if oldSelf is not used in rule"))
        }
        return errors
    }

    /// The rule as upstream's own type prints it.
    private var shown: String {
        func text(_ value: String) -> String {
            JSON.string(value).text.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing(
                "&", with: "\\u0026")
        }
        return "{\"Rule\":\(text(rule)),\"Message\":\(text(message)),\"MessageExpression\":\(text(messageExpression)),"
            + "\"Reason\":\(reason.isEmpty ? "null" : text(reason)),\"FieldPath\":\(text(fieldPath)),"
            + "\"OptionalOldSelf\":\(hasOptionalOldSelf ? "true" : "null")}"
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
