/// What an expression of the Common Expression Language says, and where it says it.
/// Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
struct CELExpression: Sendable {
    indirect enum Kind: Sendable {
        case literal(CELValue)
        case name(String)
        case select(CELExpression, CELField, isOptional: Bool)
        case index(CELExpression, CELExpression, isOptional: Bool)
        case call(String, target: CELExpression?, [CELExpression])
        /// A function whose name has a name space in front, as `math.greatest(1, 2)`.
        case qualifiedCall(String, space: CELExpression, [CELExpression])
        case list([(value: CELExpression, isOptional: Bool)])
        case map([(key: CELExpression, value: CELExpression, isOptional: Bool)])
        /// `Object.spec{replicas: 1}`.
        case construct(String, [(field: CELField, value: CELExpression, isOptional: Bool)])
        case conditional(CELExpression, CELExpression, CELExpression)
        case and(CELExpression, CELExpression)
        case or(CELExpression, CELExpression)
        /// `has(a.b)`.
        case has(CELExpression, CELField)
        case comprehension(CELComprehension)
        /// `cel.bind(name, value, body)`.
        case bind(space: CELExpression, CELLoopVariable, CELExpression, CELExpression)
        /// `x.optMap(name, body)`, or `optFlatMap`.
        case optionalMap(CELExpression, CELLoopVariable, CELExpression, isFlat: Bool)
        /// `x.sortBy(name, key)`.
        case sortBy(CELExpression, CELLoopVariable, CELExpression)
    }

    let kind: Kind
    /// In code points from the start of the text. Of a call, its opening parenthesis; of an operator, the operator.
    let offset: Int

    init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}

/// The name of a field, as it is written and as it is in objects.
struct CELField: Sendable {
    let written: String
    let key: String

    init(_ written: String) {
        self.written = written
        key = CELNames.unescape(written)
    }
}

/// A variable that a macro declares.
struct CELLoopVariable: Sendable {
    let name: String
    let offset: Int
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
    var variables: [CELLoopVariable]
    /// The filter of the three-argument `map` and of the transforms.
    var condition: CELExpression?
    var body: CELExpression
}

/// Why an expression can't be understood or has no value, in the words of upstream's evaluator where it has some.
public struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    /// Whether the cost limit ended the evaluation.
    public var isCostExceeded = false
    /// Where in the text, in code points, an expression isn't understood; nil when that isn't one place.
    public var offset: Int?

    public init(_ description: String) { self.description = description }

    init(_ description: String, at offset: Int?) {
        self.description = description
        self.offset = offset
    }

    static let costExceeded: CELError = {
        var error = CELError("operation cancelled: actual cost limit exceeded")
        error.isCostExceeded = true
        return error
    }()

    static func noOverload(_ function: String) -> CELError { CELError("no such overload: \(function)") }
}
