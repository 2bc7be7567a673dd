/// An expression, ready to be evaluated any number of times, from any thread.
public struct CELProgram: Sendable {
    let expression: CELExpression
    /// As it was written.
    public let source: String

    /// - Throws: `CELError` when the text isn't an expression.
    public init(_ source: String) throws(CELError) {
        var parser = try CELParser(source)
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
        left -= cost
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

enum CELFreeNames {
    static func names(in expression: CELExpression) -> Set<String> {
        switch expression {
        case .literal: return []
        case .name(let name): return CELFunctions.typeNames.contains(name) ? [] : [name]
        case .select(let operand, _, _), .has(let operand, _): return names(in: operand)
        case .index(let operand, let key, _): return names(in: operand).union(names(in: key))
        case .call(_, let target, let arguments):
            return arguments.reduce(target.map(names) ?? []) { $0.union(names(in: $1)) }
        case .list(let elements): return elements.reduce([]) { $0.union(names(in: $1.value)) }
        case .map(let entries): return entries.reduce([]) { $0.union(names(in: $1.key)).union(names(in: $1.value)) }
        case .conditional(let a, let b, let c): return names(in: a).union(names(in: b)).union(names(in: c))
        case .and(let a, let b), .or(let a, let b): return names(in: a).union(names(in: b))
        case .comprehension(let loop):
            let inner = names(in: loop.body).union(loop.condition.map(names) ?? []).subtracting(loop.names)
            return names(in: loop.range).union(inner)
        case .bind(let name, let value, let body), .optionalMap(let value, let name, let body, _):
            return names(in: value).union(names(in: body).subtracting([name]))
        }
    }
}
