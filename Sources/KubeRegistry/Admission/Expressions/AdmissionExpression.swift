import KubeObject
import KubeSchema

/// An expression of a webhook's condition or of a policy, compiled once.
struct AdmissionExpression: Sendable {
    let source: String
    private let program: Result<CELProgram, CELError>

    init(_ source: String) {
        self.source = source
        program = Result { () throws(CELError) in try CELProgram(source.trimming { $0.isWhitespace }) }
    }

    /// Why it can't be evaluated at all; stored expressions were accepted, maybe by another version of this server.
    var compilationError: String? {
        if case .failure(let error) = program { "compilation error: \(error)" } else { nil }
    }

    /// The value, or why there is none.
    ///
    /// - Throws: `AdmissionBudget.Exhausted` when all that may be spent is spent.
    func evaluate(
        _ variables: AdmissionVariables, _ budget: inout AdmissionBudget
    ) throws(AdmissionBudget.Exhausted) -> Result<CELValue, CELError> {
        guard case .success(let program) = program else { return .failure(CELError(compilationError ?? "")) }
        let (outcome, cost) = run(program, variables.values, limit: min(CELBudget.perCall, budget.left))
        try budget.spend(cost + (variables.composed?.takeCost() ?? 0))
        return outcome
    }

    /// The value as a policy's variable, or why there is none; `note` is told what it cost.
    func evaluate(composed variables: CELVariables, note: (Int) -> Void) -> Result<CELValue, CELError> {
        guard case .success(let program) = program else { return .failure(CELError(compilationError ?? "")) }
        let (outcome, cost) = run(program, variables, limit: CELBudget.perCall)
        note(cost)
        return outcome
    }

    private func run(
        _ program: CELProgram, _ variables: CELVariables, limit: Int
    ) -> (Result<CELValue, CELError>, cost: Int) {
        var budget = CELBudget(limit)
        do throws(CELError) {
            let value = try program.evaluate(variables, budget: &budget)
            return (.success(value), limit - budget.left)
        } catch {
            return (.failure(CELError("expression '\(source)' resulted in error: \(error)")), limit - budget.left)
        }
    }
}

/// What the expressions of one webhook or policy may cost together for one request.
struct AdmissionBudget {
    /// All is spent, and nothing more is evaluated.
    struct Exhausted: Error {
        let message = "validation failed due to running out of cost budget, no further validation rules will be run"
    }

    static let perPolicy = 10_000_000
    static let matchConditions = perPolicy / 4

    private(set) var left: Int

    init(_ limit: Int) { left = limit }

    mutating func spend(_ cost: Int) throws(Exhausted) {
        left -= cost
        if left < 0 { throw Exhausted() }
    }
}
