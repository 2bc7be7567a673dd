/// An expression, ready to be evaluated any number of times, from any thread.
public struct CELProgram: Sendable {
    let expression: CELExpression
    /// As it was written.
    public let source: String

    /// - Throws: `CELError` when the text isn't an expression.
    public init(_ source: String) throws(CELError) {
        do throws(CELIssues) {
            try self.init(parsing: source)
        } catch {
            throw error.issues.first.map { CELError($0.message, at: $0.offset) } ?? CELError("Syntax error")
        }
    }

    /// - Throws: all that is wrong with the text.
    init(parsing source: String) throws(CELIssues) {
        var parser = CELParser(source)
        expression = try parser.parse()
        self.source = source
    }

    /// The variables that the expression reads and doesn't bind itself.
    public var freeNames: Set<String> { CELFreeNames.names(in: expression) }

    /// - Parameters:
    ///   - variables: by name; values are made when they are first read.
    ///   - budget: how much the evaluation may cost; what it cost is taken off.
    public func evaluate(_ variables: CELVariables, budget: inout CELBudget) throws(CELError) -> CELValue {
        var evaluator = CELEvaluator(variables: variables, budget: budget)
        defer { budget = evaluator.budget }
        return try evaluator.evaluate(expression)
    }

    /// As `evaluate`, for an expression that must say yes or no.
    public func isTrue(_ variables: CELVariables, budget: inout CELBudget) throws(CELError) -> Bool {
        guard case .bool(let value) = try evaluate(variables, budget: &budget) else {
            throw CELError("expression must evaluate to bool")
        }
        return value
    }
}

/// What is left of an evaluation's cost limit, in upstream's units: about one a step, more for long texts.
public struct CELBudget: Sendable {
    /// What one expression of a custom resource's schema may cost.
    public static let perCall = 1_000_000
    /// What all expressions of one object may cost together.
    public static let perObject = 10_000_000

    public private(set) var left: Int

    public init(_ limit: Int = perCall) { left = limit }

    mutating func spend(_ cost: Int) throws(CELError) {
        let (rest, overflow) = left.subtractingReportingOverflow(cost)
        left = overflow ? -1 : rest
        guard left >= 0 else { throw .costExceeded }
    }
}

/// The variables of an evaluation.
public struct CELVariables: Sendable {
    private var values: [String: CELValue] = [:]
    private var lazy: [String: @Sendable () throws(CELError) -> CELValue] = [:]

    public init(_ values: [String: CELValue] = [:]) { self.values = values }

    public subscript(name: String) -> CELValue? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// A variable whose value is made only when it is read.
    public mutating func set(_ name: String, _ make: @escaping @Sendable () throws(CELError) -> CELValue) { lazy[name] = make }

    func value(_ name: String) throws(CELError) -> CELValue? {
        if let value = values[name] { return value }
        return try lazy[name]?()
    }
}
