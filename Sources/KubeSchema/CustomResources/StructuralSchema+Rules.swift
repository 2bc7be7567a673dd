public import KubeObject

extension StructuralSchema {
    /// What the rules of `x-kubernetes-validations` say about an object.
    public struct RuleOutcome: Sendable {
        public var errors: [FieldError] = []
        /// Rules that what didn't change doesn't meet: told, not refused (KEP-4008).
        public var warnings: [String] = []
        /// What is left of the limit; negative when it wasn't enough.
        public var left = 0
    }

    /// - Parameters:
    ///   - old: the object before, on an update; rules that read `oldSelf` need it.
    ///   - limit: what all rules together may cost.
    public func ruleOutcome(of object: JSON, old: JSON?, limit: Int = CELBudget.perObject) -> RuleOutcome {
        guard hasRules else { return RuleOutcome(left: limit) }
        var evaluation = RuleEvaluation(left: limit)
        evaluation.visit(object, old, self, "", isRatcheted: false)
        var outcome = evaluation.outcome
        outcome.left = evaluation.left
        return outcome
    }
}

/// Walks an object beside its schema and evaluates the rules on the way.
private struct RuleEvaluation {
    private(set) var outcome = StructuralSchema.RuleOutcome()
    private(set) var left: Int
    private var isStopped = false

    init(left: Int) { self.left = left }

    /// - Parameter isRatcheted: whether the nearest value above that can be compared with its old self equals it.
    mutating func visit(_ value: JSON, _ old: JSON?, _ schema: StructuralSchema, _ path: String, isRatcheted: Bool) {
        guard schema.hasRules, !value.isNull, !isStopped else { return }
        let old = old == .null ? nil : old
        let isRatcheted = old.map { $0 == value } ?? isRatcheted
        evaluate(value, old, schema, path, isRatcheted)
        switch value {
        case .array(let elements):
            guard let items = schema.items, items.hasRules else { return }
            let before = CorrelatedList(schema, old)
            for (index, element) in elements.enumerated() {
                visit(element, before.find(element), items, "\(path)[\(index)]", isRatcheted: isRatcheted)
            }
        case .object(let members):
            for (name, member) in members {
                if let property = schema.properties[name] {
                    visit(member, old?[name], property, path.isEmpty ? name : "\(path).\(name)", isRatcheted: isRatcheted)
                } else if let additional = schema.additionalSchema {
                    visit(member, old?[name], additional, "\(path)[\(name)]", isRatcheted: isRatcheted)
                }
            }
        default: break
        }
    }

    private mutating func fail(_ path: String, _ type: String, _ detail: String) {
        outcome.errors.append(.invalid(path.isEmpty ? "<nil>" : path, .string(type), detail))
    }

    private mutating func stop(_ path: String, _ type: String, _ detail: String) {
        fail(path, type, detail)
        isStopped = true
    }

    private static let exhausted = "validation failed due to running out of cost budget, no further validation rules will be run"

    private mutating func evaluate(_ value: JSON, _ old: JSON?, _ schema: StructuralSchema, _ path: String, _ isRatcheted: Bool) {
        guard !schema.rules.isEmpty else { return }
        guard left > 0 else { return stop(path, schema.type, Self.exhausted) }
        var variables = CELVariables(["self": schema.celValue(value)])
        let oldSelf = old.map { schema.celValue($0) }
        for rule in schema.rules {
            if rule.usesOldSelf, old == nil, !rule.hasOptionalOldSelf { continue }
            variables["oldSelf"] = rule.hasOptionalOldSelf ? .optional(oldSelf) : oldSelf
            evaluate(rule, value, variables, schema.type, path, isRatcheted)
            if isStopped { return }
        }
    }

    private mutating func evaluate(
        _ rule: ValidationRule, _ value: JSON, _ variables: CELVariables, _ type: String, _ path: String, _ isRatcheted: Bool
    ) {
        let program: CELProgram
        switch rule.program {
        case .success(let compiled): program = compiled
        case .failure(let error): return fail(path, type, "rule compile error: \(error)")
        }
        do throws(CELError) {
            guard try !isTrue(program, variables, path, type) else { return }
        } catch {
            if isStopped { return }
            if error.isCostExceeded {
                return stop(
                    path, type,
                    "'\(error)': no further validation rules will be run due to call cost exceeds limit for rule: \(rule.text)")
            }
            if error.description.hasPrefix("no such overload") {
                return fail(
                    path, type,
                    "'\(error)': call arguments did not match a supported operator, function or macro signature for rule: \(rule.text)"
                )
            }
            return fail(path, type, "\(error) evaluating rule: \(rule.text)")
        }
        if isStopped { return }
        let suffix = rule.fieldPath
        let errorPath = path.isEmpty && suffix.hasPrefix(".") ? String(suffix.dropFirst()) : path + suffix
        let detail = message(of: rule, variables, path: errorPath, type) ?? rule.detail
        if isStopped { return }
        let error = Self.error(rule.reason, errorPath.isEmpty ? "<nil>" : errorPath, value, detail)
        if isRatcheted, !rule.usesOldSelf {
            outcome.warnings.append(error.description)
        } else {
            outcome.errors.append(error)
        }
    }

    private mutating func isTrue(
        _ program: CELProgram, _ variables: CELVariables, _ path: String, _ type: String
    ) throws(CELError) -> Bool {
        var call = CELBudget()
        defer { spend(CELBudget.perCall - call.left, path, type, Self.exhausted) }
        guard case .bool(let value) = try program.evaluate(variables, budget: &call) else {
            throw CELError("cel expression must evaluate to a bool")
        }
        return value
    }

    private mutating func spend(_ cost: Int, _ path: String, _ type: String, _ sentence: String) {
        left -= cost
        if left < 0 { stop(path, type, sentence) }
    }

    /// What the message expression says; nil when there is none, or it says nothing that can be shown.
    private mutating func message(of rule: ValidationRule, _ variables: CELVariables, path: String, _ type: String) -> String? {
        guard case .success(let program)? = rule.messageProgram else { return nil }
        var call = CELBudget()
        defer {
            spend(
                CELBudget.perCall - call.left, path, type,
                "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run")
        }
        do throws(CELError) {
            guard case .string(let text) = try program.evaluate(variables, budget: &call) else { return nil }
            let trimmed = ValidationRule.trimmed(text)
            guard !trimmed.isEmpty, trimmed.utf8.count <= 5 * 1024, !trimmed.utf8.contains(UInt8(ascii: "\n")) else { return nil }
            return trimmed
        } catch {
            // As upstream: the rule's own message stands in for one that can't be made.
            if error.isCostExceeded {
                stop(
                    path, type,
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: \(JSON.string(rule.messageExpression).text)"
                )
            }
            return nil
        }
    }

    private static func error(_ reason: String, _ path: String, _ value: JSON, _ detail: String) -> FieldError {
        // Objects and lists aren't shown.
        let shown: JSON? =
            switch value {
            case .object, .array: nil
            default: value
            }
        return switch reason {
        case "FieldValueForbidden": .forbidden(path, detail)
        case "FieldValueRequired": .required(path, detail)
        case "FieldValueDuplicate": FieldError(.duplicate, path, shown)
        default: FieldError(.invalid, path, shown, detail)
        }
    }
}
