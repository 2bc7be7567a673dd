import KubeObject
import KubeSchema

/// What a validating policy says to one request with one set of parameters. Free of I/O.
struct PolicyValidation {
    struct Denial {
        /// Of the validation; nil when it isn't one that failed.
        var index: Int
        var message: String
        var reason: String
    }

    private static let longestMessage = 5 * 1024

    private(set) var denials: [Denial] = []
    private(set) var annotations: [(key: String, value: String)] = []
    /// Annotations without a value, where failures count: refused whatever the binding's actions are.
    private(set) var failures: [String] = []

    init(_ policy: AdmissionPolicy, _ variables: AdmissionVariables) {
        switch policy.conditions.isEmpty
            ? .matches : policy.conditions.evaluate(variables, ignoresFailures: policy.ignoresFailures)
        {
        case .matches: break
        case .doesNotMatch: return
        case .failure(let why):
            denials = [Denial(index: 0, message: why, reason: "")]
            return
        }
        var composed = variables
        composed.compose(policy.variables)
        var budget = AdmissionBudget(AdmissionBudget.perPolicy)
        do {
            try validate(policy, composed, &budget)
            var own = AdmissionBudget(AdmissionBudget.perPolicy)
            try annotate(policy, composed, &own)
        } catch {
            denials = policy.ignoresFailures ? [] : [Denial(index: 0, message: error.message, reason: "")]
            annotations = []
            failures = []
        }
    }

    private mutating func validate(
        _ policy: AdmissionPolicy, _ variables: AdmissionVariables, _ budget: inout AdmissionBudget
    ) throws(AdmissionBudget.Exhausted) {
        var outcomes: [Result<CELValue, CELError>] = []
        for validation in policy.validations { outcomes.append(try validation.expression.evaluate(variables, &budget)) }
        for (index, (validation, outcome)) in zip(policy.validations, outcomes).enumerated() {
            switch outcome {
            case .failure(let error):
                if !policy.ignoresFailures {
                    denials.append(Denial(index: index, message: error.description, reason: ""))
                }
            case .success(.bool(true)): break
            case .success:
                let message = Self.message(of: validation, variables, &budget)
                denials.append(Denial(index: index, message: message, reason: validation.reason))
            }
        }
    }

    /// What the expression for it says, else the message, else the expression that failed.
    private static func message(
        of validation: AdmissionPolicy.Validation, _ variables: AdmissionVariables, _ budget: inout AdmissionBudget
    ) -> String {
        if let expression = validation.messageExpression {
            do {
                if case .success(.string(let text)) = try expression.evaluate(variables, &budget) {
                    let text = text.trimming(while: \.isWhitespace)
                    if !text.isEmpty, text.utf8.count <= longestMessage, !text.utf8.contains(UInt8(ascii: "\n")) { return text }
                }
            } catch {
                return "failed messageExpression: \(error.message)"
            }
        }
        let message = validation.message.trimming(while: \.isWhitespace)
        if !message.isEmpty { return message }
        return "failed expression: \(validation.expression.source.trimming(while: \.isWhitespace))"
    }

    private mutating func annotate(
        _ policy: AdmissionPolicy, _ variables: AdmissionVariables, _ budget: inout AdmissionBudget
    ) throws(AdmissionBudget.Exhausted) {
        for annotation in policy.annotations {
            switch try annotation.expression.evaluate(variables, &budget) {
            case .success(.string(let text)):
                let text = text.trimming(while: \.isWhitespace)
                if !text.isEmpty { annotations.append((annotation.key, text)) }
            case .success(.null): break
            case .success:
                failures.append(
                    "valueExpression '\(annotation.expression.source)' resulted in unsupported return type. "
                        + "Return type must be either string or null.")
            case .failure(let error): if !policy.ignoresFailures { failures.append(error.description) }
            }
        }
    }
}
