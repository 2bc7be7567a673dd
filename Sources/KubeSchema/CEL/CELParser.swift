/// Reads expressions, macros expanded. Nesting, length and depth are bounded.
struct CELParser {
    /// How deep an expression may be, by parentheses or by a chain of operators: walks of it recurse as deep.
    static let maximumDepth = 250
    static let maximumLength = 100_000

    private let source: String
    private let lexer: CELLexer
    private let tokens: [CELPlacedToken]
    private let unread: [CELError]
    private var position = 0
    private var nesting = 0
    /// How deep what was read last is.
    private var height = 0

    init(_ source: String) {
        self.source = source
        var lexer = CELLexer(source)
        (tokens, unread) = lexer.tokens()
        self.lexer = lexer
    }

    /// - Throws: what isn't a token, and the first place that makes no sense.
    mutating func parse() throws(CELIssues) -> CELExpression {
        let length = source.unicodeScalars.count
        guard length <= Self.maximumLength else {
            throw CELIssues(
                CELError("expression code point size exceeds limit: size: \(length), limit \(Self.maximumLength)"), in: source)
        }
        var errors = unread
        do throws(CELError) {
            let expression = try conditional()
            guard current == .end else {
                let isLast = position + 2 == tokens.count
                throw problem("\(isLast ? "extraneous" : "mismatched") input '\(text)' expecting <EOF>")
            }
            if errors.isEmpty { return expression }
        } catch {
            errors.append(error)
        }
        throw CELIssues(errors.map { CELIssues.Issue(message: $0.description, offset: $0.offset) }, in: source)
    }

    private var current: CELToken { tokens[position].token }
    private var offset: Int { tokens[position].start }
    private var text: String { tokens[position].text }

    private mutating func take(_ symbol: String) -> Bool {
        guard current == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELError) {
        guard !take(symbol) else { return }
        if isNext(symbol) { throw problem("extraneous input '\(text)' expecting '\(symbol)'") }
        throw problem("missing '\(symbol)' at '\(text)'")
    }

    /// Whether what is expected here comes one later.
    private func isNext(_ symbols: String...) -> Bool {
        guard current != .end, case .symbol(let next) = tokens[position + 1].token else { return false }
        return symbols.contains(next)
    }

    private func problem(_ detail: String) -> CELError { CELError("Syntax error: \(detail)", at: offset) }

    /// Neither another element nor the end.
    private func unclosed(_ close: String) -> CELError {
        problem("\(isNext(close, ",") ? "extraneous" : "mismatched") input '\(text)' expecting {'\(close)', ','}")
    }

    private static let operands =
        "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

    /// - Parameter isElement: whether it may be optional here.
    private func noOperand(isElement: Bool = false) -> CELError {
        var isFollowed = false
        if current != .end {
            switch tokens[position + 1].token {
            case .end: break
            case .name(let name): isFollowed = name != "in"
            case .symbol(let symbol): isFollowed = ["[", "{", "(", ".", "-", "!"].contains(symbol)
            default: isFollowed = true
            }
        }
        let optional = isElement ? "'?', " : ""
        return problem(
            "\(isFollowed ? "extraneous" : "mismatched") input '\(text)' expecting {'[', '{', '(', '.', '-', '!', \(optional)\(Self.operands)"
        )
    }

    /// Something behind a dot that is no name.
    private func noName(after dot: Int) -> CELError {
        if case .name = current { return problem("mismatched input '\(text)' expecting IDENTIFIER") }
        return problem("no viable alternative at input '\(lexer.written(dot, tokens[position].end))'")
    }

    /// Whatever was read last is now below something.
    private mutating func deepen() throws(CELError) {
        height += 1
        guard height <= Self.maximumDepth else { throw CELError("max recursion depth exceeded") }
    }

    private mutating func conditional() throws(CELError) -> CELExpression {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.maximumDepth else {
            throw CELError("expression recursion limit exceeded: \(Self.maximumDepth)")
        }
        let condition = try or()
        let place = offset
        guard take("?") else { return condition }
        var highest = height
        let yes = try or()
        highest = max(highest, height)
        try expect(":")
        let no = try conditional()
        height = max(highest, height)
        try deepen()
        return CELExpression(.conditional(condition, yes, no), at: place)
    }

    private mutating func or() throws(CELError) -> CELExpression {
        try logic("||") { parser throws(CELError) in try parser.and() }
    }

    private mutating func and() throws(CELError) -> CELExpression {
        try logic("&&") { parser throws(CELError) in try parser.relation() }
    }

    private mutating func logic(
        _ symbol: String, _ operand: (inout CELParser) throws(CELError) -> CELExpression
    ) throws(CELError) -> CELExpression {
        var terms = [try operand(&self)]
        var places: [Int] = []
        var highest = height
        while current == .symbol(symbol) {
            places.append(offset)
            position += 1
            terms.append(try operand(&self))
            highest = max(highest, height)
        }
        height = highest
        guard !places.isEmpty else { return terms[0] }
        return Self.balanced(terms, places, 0, places.count - 1, isOr: symbol == "||")
    }

    /// Long chains become trees of little depth, so that evaluating them doesn't need a deep stack.
    private static func balanced(
        _ terms: [CELExpression], _ places: [Int], _ low: Int, _ high: Int, isOr: Bool
    ) -> CELExpression {
        let middle = (low + high + 1) / 2
        let left = middle == low ? terms[middle] : balanced(terms, places, low, middle - 1, isOr: isOr)
        let right = middle == high ? terms[middle + 1] : balanced(terms, places, middle + 1, high, isOr: isOr)
        return CELExpression(isOr ? .or(left, right) : .and(left, right), at: places[middle])
    }

    private mutating func relation() throws(CELError) -> CELExpression {
        try chain(["<", "<=", ">", ">=", "==", "!=", "in"]) { parser throws(CELError) in try parser.addition() }
    }

    private mutating func addition() throws(CELError) -> CELExpression {
        try chain(["+", "-"]) { parser throws(CELError) in try parser.multiplication() }
    }

    private mutating func multiplication() throws(CELError) -> CELExpression {
        try chain(["*", "/", "%"]) { parser throws(CELError) in try parser.unary() }
    }

    private mutating func chain(
        _ operations: [String], _ operand: (inout CELParser) throws(CELError) -> CELExpression
    ) throws(CELError) -> CELExpression {
        var left = try operand(&self)
        while true {
            let operation: String
            switch current {
            case .symbol(let symbol): operation = symbol
            case .name("in"): operation = "in"
            default: return left
            }
            guard operations.contains(operation) else { return left }
            let place = offset
            position += 1
            let depth = height
            let right = try operand(&self)
            height = max(height, depth)
            try deepen()
            left = CELExpression(.call("_\(operation)_", target: nil, [left, right]), at: place)
        }
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        let place = offset
        var nots = 0
        while take("!") { nots += 1 }
        if nots > 0 {
            let operand = try member()
            if nots % 2 == 0 { return operand }
            try deepen()
            return CELExpression(.call("!_", target: nil, [operand]), at: place)
        }
        var minuses = 0
        while take("-") { minuses += 1 }
        guard minuses > 0 else { return try member() }
        if minuses == 1, let literal = try negativeLiteral(at: place) { return try members(of: literal) }
        let operand = try member()
        if minuses % 2 == 0 { return operand }
        try deepen()
        return CELExpression(.call("-_", target: nil, [operand]), at: place)
    }

    /// A number behind a minus is one literal.
    private mutating func negativeLiteral(at place: Int) throws(CELError) -> CELExpression? {
        let value: CELValue
        switch current {
        case .int(let number): value = .int(-number)
        case .double(let number): value = .double(-number)
        // The lexer tells the one number whose negation alone is an integer by this.
        case .uint(9_223_372_036_854_775_808) where text == "9223372036854775808": value = .int(.min)
        default: return nil
        }
        position += 1
        height = 0
        return CELExpression(.literal(value), at: place)
    }

    private mutating func member() throws(CELError) -> CELExpression { try members(of: primary()) }

    private mutating func members(of first: CELExpression) throws(CELError) -> CELExpression {
        var value = first
        while true {
            let place = offset
            if take(".") {
                let isOptional = take("?")
                guard case .name(let name) = current, !["true", "false", "null", "in"].contains(name) else {
                    throw noName(after: place)
                }
                position += 1
                let open = offset
                if !isOptional, take("(") {
                    let depth = height
                    let arguments = try arguments(until: ")")
                    height = max(height, depth)
                    value = try CELMacro.expand(name, target: value, arguments, at: open)
                } else {
                    value = CELExpression(.select(value, CELField(name), isOptional: isOptional), at: place)
                }
                try deepen()
            } else if take("[") {
                let isOptional = take("?")
                let depth = height
                let key = try conditional()
                height = max(height, depth)
                try expect("]")
                try deepen()
                value = CELExpression(.index(value, key, isOptional: isOptional), at: place)
            } else if current == .symbol("{"), let type = Self.typeName(value) {
                position += 1
                let depth = height
                value = CELExpression(.construct(type, try fields()), at: place)
                height = max(height, depth)
                try deepen()
            } else {
                return value
            }
        }
    }

    /// `Object.spec` as a name of a type; nil for what can't be one.
    private static func typeName(_ expression: CELExpression) -> String? {
        switch expression.kind {
        case .name(let name): name
        case .select(let operand, let field, isOptional: false): typeName(operand).map { "\($0).\(field.key)" }
        default: nil
        }
    }

    /// What stands in the braces after a type's name, up to and with the closing one.
    private mutating func fields() throws(CELError) -> [(field: CELField, value: CELExpression, isOptional: Bool)] {
        var fields: [(field: CELField, value: CELExpression, isOptional: Bool)] = []
        var highest = 0
        while !take("}") {
            let place = offset
            let isOptional = take("?")
            guard case .name(let name) = current else { throw noName(after: place) }
            position += 1
            try expect(":")
            fields.append((CELField(name), try conditional(), isOptional))
            highest = max(highest, height)
            height = highest
            if !take(",") {
                try expect("}")
                break
            }
        }
        return fields
    }

    private mutating func arguments(until close: String) throws(CELError) -> [CELExpression] {
        var arguments: [CELExpression] = []
        height = 0
        if take(close) { return arguments }
        var highest = 0
        while true {
            arguments.append(try conditional())
            highest = max(highest, height)
            height = highest
            if take(close) { return arguments }
            guard take(",") else {
                try expect(close)
                return arguments
            }
        }
    }

    private mutating func primary() throws(CELError) -> CELExpression {
        let place = offset
        let token = current
        height = 0
        func literal(_ value: CELValue) -> CELExpression { CELExpression(.literal(value), at: place) }
        switch token {
        case .symbol("("), .symbol("["), .symbol("{"), .symbol("."), .name:
            position += 1
        case .int(let value):
            position += 1
            return literal(.int(value))
        case .uint(let value):
            guard text != "9223372036854775808" else { throw CELError("invalid int literal", at: place) }
            position += 1
            return literal(.uint(value))
        case .double(let value):
            position += 1
            return literal(.double(value))
        case .string(let value):
            position += 1
            return literal(.string(value))
        case .bytes(let value):
            position += 1
            return literal(.bytes(value))
        case .symbol, .end:
            throw noOperand(isElement: position > 0 && [.symbol("["), .symbol("{")].contains(tokens[position - 1].token))
        }
        switch token {
        case .name("true"): return literal(.bool(true))
        case .name("false"): return literal(.bool(false))
        case .name("null"): return literal(.null)
        case .name(let name): return try named(name, at: place)
        case .symbol("("):
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol("["): return try list(at: place)
        case .symbol("{"): return try map(at: place)
        default:
            let start = offset
            guard case .name(let name) = current else { throw noName(after: place) }
            position += 1
            return try named(name, at: start)
        }
    }

    private mutating func named(_ name: String, at place: Int) throws(CELError) -> CELExpression {
        guard name != "in" else {
            position -= 1
            throw noOperand()
        }
        guard !CELNames.reserved.contains(name) else { throw CELError("reserved identifier: \(name)", at: place) }
        let open = offset
        guard take("(") else { return CELExpression(.name(name), at: place) }
        let arguments = try arguments(until: ")")
        try deepen()
        return try CELMacro.expand(name, target: nil, arguments, at: open)
    }

    private mutating func list(at place: Int) throws(CELError) -> CELExpression {
        var elements: [(value: CELExpression, isOptional: Bool)] = []
        var highest = 0
        if take("]") { return CELExpression(.list([]), at: place) }
        while true {
            let isOptional = take("?")
            elements.append((try conditional(), isOptional))
            highest = max(highest, height)
            let hasMore = take(",")
            if take("]") {
                height = highest
                try deepen()
                return CELExpression(.list(elements), at: place)
            }
            guard hasMore else {
                throw unclosed("]")
            }
        }
    }

    private mutating func map(at place: Int) throws(CELError) -> CELExpression {
        var entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)] = []
        var highest = 0
        if take("}") { return CELExpression(.map([]), at: place) }
        while true {
            let isOptional = take("?")
            let key = try conditional()
            highest = max(highest, height)
            try expect(":")
            entries.append((key, try conditional(), isOptional))
            highest = max(highest, height)
            let hasMore = take(",")
            if take("}") {
                height = highest
                try deepen()
                return CELExpression(.map(entries), at: place)
            }
            guard hasMore else {
                throw unclosed("}")
            }
        }
    }
}
