/// What an expression of the Common Expression Language says.
/// Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
indirect enum CELExpression: Sendable {
    case literal(CELValue)
    case name(String)
    case select(CELExpression, String, isOptional: Bool)
    case index(CELExpression, CELExpression, isOptional: Bool)
    case call(String, target: CELExpression?, [CELExpression])
    case list([(value: CELExpression, isOptional: Bool)])
    case map([(key: CELExpression, value: CELExpression, isOptional: Bool)])
    case conditional(CELExpression, CELExpression, CELExpression)
    case and(CELExpression, CELExpression)
    case or(CELExpression, CELExpression)
    /// `has(a.b)`.
    case has(CELExpression, String)
    case comprehension(CELComprehension)
    /// `cel.bind(name, value, body)`, and the body of `optMap`.
    case bind(String, CELExpression, CELExpression)
    /// `x.optMap(name, body)`, or `optFlatMap`.
    case optionalMap(CELExpression, String, CELExpression, isFlat: Bool)
}

/// A macro that walks a list or a map.
struct CELComprehension: Sendable {
    enum Kind: String, Sendable {
        case all, exists
        case existsOne = "exists_one"
        case map, filter
        case transformList, transformMap, transformMapEntry
    }

    var kind: Kind
    var range: CELExpression
    /// With two, the first is the index or key, the second the value.
    var names: [String]
    /// The filter of the three-argument `map` and of the transforms.
    var condition: CELExpression?
    var body: CELExpression
}

/// Why an expression can't be understood or has no value, in the words of upstream's evaluator where it has some.
public struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    /// Whether the cost limit ended the evaluation.
    public var isCostExceeded = false

    public init(_ description: String) { self.description = description }

    static let costExceeded: CELError = {
        var error = CELError("operation cancelled: actual cost limit exceeded")
        error.isCostExceeded = true
        return error
    }()

    static func noOverload(_ function: String) -> CELError { CELError("no such overload: \(function)") }
}
