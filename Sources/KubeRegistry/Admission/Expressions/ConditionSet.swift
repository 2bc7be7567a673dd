import KubeObject
import KubeSchema

/// `matchConditions`, compiled: all must hold, or the request isn't looked at.
struct ConditionSet: Sendable {
    enum Verdict: Sendable {
        case matches, doesNotMatch
        /// At least one condition has no value, and the failure policy is to fail.
        case failure(String)
    }

    private let conditions: [AdmissionExpression]

    init(_ tree: JSON?) { conditions = (tree?.elements ?? []).map { AdmissionExpression($0.text("expression")) } }

    var isEmpty: Bool { conditions.isEmpty }

    /// - Parameter ignoresFailures: whether a condition without a value means that the request isn't looked at.
    func evaluate(_ variables: AdmissionVariables, ignoresFailures: Bool) -> Verdict {
        var budget = AdmissionBudget(AdmissionBudget.matchConditions)
        var failures: [String] = []
        for condition in conditions {
            do {
                switch try condition.evaluate(variables, &budget) {
                case .success(.bool(true)): break
                case .success(.bool(false)): return .doesNotMatch
                case .success: failures.append("expression '\(condition.source)' must evaluate to bool")
                case .failure(let error): failures.append(error.description)
                }
            } catch {
                return ignoresFailures ? .doesNotMatch : .failure(error.message)
            }
        }
        if failures.isEmpty { return .matches }
        if ignoresFailures { return .doesNotMatch }
        return .failure(failures.count == 1 ? failures[0] : "[\(failures.joined(separator: ", "))]")
    }
}
