/// Reads expressions, macros expanded. Nesting and length are bounded.
struct CELParser {
    static let maximumDepth = 100
    static let maximumLength = 100_000

    private var tokens: [CELToken]
    private var position = 0
    private var depth = 0

    init(_ source: String) throws(CELError) {
        guard source.utf8.count <= Self.maximumLength else { throw CELError("expression code point size exceeds limit") }
        var lexer = CELLexer(source)
        tokens = try lexer.tokens()
    }

    mutating func parse() throws(CELError) -> CELExpression {
        let expression = try conditional()
        guard current == .end else { throw unexpected() }
        return expression
    }

    private var current: CELToken { tokens[position] }

    private mutating func take(_ symbol: String) -> Bool {
        guard current == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELError) {
        guard take(symbol) else { throw unexpected(expecting: symbol) }
    }

    private func unexpected(expecting: String? = nil) -> CELError {
        let found =
            switch current {
            case .name(let name): name
            case .symbol(let symbol): symbol
            case .end: "<EOF>"
            default: "literal"
            }
        return CELError("Syntax error: mismatched input '\(found)'" + (expecting.map { " expecting '\($0)'" } ?? ""))
    }

    private mutating func conditional() throws(CELError) -> CELExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else { throw CELError("expression recursion limit exceeded: \(Self.maximumDepth)") }
        let condition = try or()
        guard take("?") else { return condition }
        let yes = try or()
        try expect(":")
        return .conditional(condition, yes, try conditional())
    }

    private mutating func or() throws(CELError) -> CELExpression {
        var terms = [try and()]
        while take("||") { terms.append(try and()) }
        return Self.balanced(terms[...]) { .or($0, $1) }
    }

    private mutating func and() throws(CELError) -> CELExpression {
        var terms = [try relation()]
        while take("&&") { terms.append(try relation()) }
        return Self.balanced(terms[...]) { .and($0, $1) }
    }

    /// Long chains become trees of little depth, so that evaluating them doesn't need a deep stack.
    private static func balanced(
        _ terms: ArraySlice<CELExpression>, _ combine: (CELExpression, CELExpression) -> CELExpression
    ) -> CELExpression {
        guard terms.count > 1, let first = terms.first else { return terms.first ?? .literal(.bool(false)) }
        if terms.count == 2 { return combine(first, terms[terms.startIndex + 1]) }
        let middle = terms.startIndex + terms.count / 2
        return combine(balanced(terms[..<middle], combine), balanced(terms[middle...], combine))
    }

    private mutating func relation() throws(CELError) -> CELExpression {
        var left = try addition()
        var count = 0
        while true {
            let operation: String
            switch current {
            case .symbol(let symbol) where ["<", "<=", ">", ">=", "==", "!="].contains(symbol): operation = symbol
            case .name("in"): operation = "in"
            default: return left
            }
            position += 1
            count += 1
            guard count < Self.maximumDepth else { throw CELError("expression recursion limit exceeded: \(Self.maximumDepth)") }
            left = .call("_\(operation)_", target: nil, [left, try addition()])
        }
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
        var count = 0
        while case .symbol(let symbol) = current, operations.contains(symbol) {
            position += 1
            count += 1
            guard count < 1000 else { throw CELError("expression recursion limit exceeded") }
            left = .call("_\(symbol)_", target: nil, [left, try operand(&self)])
        }
        return left
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        var nots = 0
        while take("!") { nots += 1 }
        if nots > 0 {
            let operand = try member()
            return nots % 2 == 0 ? operand : .call("!_", target: nil, [operand])
        }
        var minuses = 0
        while take("-") { minuses += 1 }
        guard minuses > 0 else { return try member() }
        if case .uint(9_223_372_036_854_775_808) = current {
            position += 1
            return .literal(.int(.min))
        }
        let operand = try member()
        if minuses % 2 == 1 {
            if case .literal(.int(let value)) = operand { return .literal(.int(-value)) }
            if case .literal(.double(let value)) = operand { return .literal(.double(-value)) }
            return .call("-_", target: nil, [operand])
        }
        return operand
    }

    private mutating func member() throws(CELError) -> CELExpression {
        var value = try primary()
        var count = 0
        while true {
            count += 1
            guard count < 1000 else { throw CELError("expression recursion limit exceeded") }
            if take(".") {
                let isOptional = take("?")
                guard case .name(let name) = current else { throw unexpected(expecting: "IDENTIFIER") }
                position += 1
                if !isOptional, take("(") {
                    value = try CELMacro.expand(name, target: value, arguments(until: ")"))
                } else {
                    value = .select(value, CELNames.unescape(name), isOptional: isOptional)
                }
            } else if take("[") {
                let isOptional = take("?")
                let key = try conditional()
                try expect("]")
                value = .index(value, key, isOptional: isOptional)
            } else {
                return value
            }
        }
    }

    private mutating func arguments(until close: String) throws(CELError) -> [CELExpression] {
        var arguments: [CELExpression] = []
        if take(close) { return arguments }
        while true {
            arguments.append(try conditional())
            if take(close) { return arguments }
            try expect(",")
            if close != ")", take(close) { return arguments }
        }
    }

    private mutating func primary() throws(CELError) -> CELExpression {
        let token = current
        position += 1
        switch token {
        case .int(let value): return .literal(.int(value))
        case .uint(let value): return .literal(.uint(value))
        case .double(let value): return .literal(.double(value))
        case .string(let value): return .literal(.string(value))
        case .bytes(let value): return .literal(.bytes(value))
        case .name("true"): return .literal(.bool(true))
        case .name("false"): return .literal(.bool(false))
        case .name("null"): return .literal(.null)
        case .name(let name):
            guard name != "in", !CELNames.reserved.contains(name) else {
                position -= 1
                throw CELError("Syntax error: reserved identifier: \(name)")
            }
            if take("(") { return try CELMacro.expand(name, target: nil, arguments(until: ")")) }
            return .name(name)
        case .symbol("."):
            guard case .name(let name) = current else { throw unexpected(expecting: "IDENTIFIER") }
            position += 1
            if take("(") { return try CELMacro.expand(name, target: nil, arguments(until: ")")) }
            return .name(name)
        case .symbol("("):
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol("["):
            var elements: [(value: CELExpression, isOptional: Bool)] = []
            if take("]") { return .list([]) }
            while true {
                let isOptional = take("?")
                elements.append((try conditional(), isOptional))
                if take("]") { return .list(elements) }
                try expect(",")
                if take("]") { return .list(elements) }
            }
        case .symbol("{"):
            var entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)] = []
            if take("}") { return .map([]) }
            while true {
                let isOptional = take("?")
                let key = try conditional()
                try expect(":")
                entries.append((key, try conditional(), isOptional))
                if take("}") { return .map(entries) }
                try expect(",")
                if take("}") { return .map(entries) }
            }
        default:
            position -= 1
            throw unexpected()
        }
    }
}

/// Names that can't stand as they are.
enum CELNames {
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace",
        "return",
        "var", "void", "while",
    ]

    private static let escaped: [String: String] = {
        var names = ["underscores": "__", "dot": ".", "dash": "-", "slash": "/"]
        for word in reserved.union(["true", "false", "null", "in"]) { names[word] = word }
        return names
    }()

    /// Field names that aren't identifiers are written with escapes: `__namespace__`, `a__dash__b`.
    /// Source: https://kubernetes.io/docs/reference/using-api/cel/#escaping
    static func unescape(_ name: String) -> String {
        guard name.contains("__") else { return name }
        var result = ""
        var rest = Substring(name)
        while let start = rest.firstRange(of: "__") {
            let after = rest[start.upperBound...]
            guard let end = after.firstRange(of: "__"), let meaning = escaped[String(after[..<end.lowerBound])] else {
                result += rest[..<start.upperBound]
                rest = after
                continue
            }
            result += rest[..<start.lowerBound] + meaning
            rest = after[end.upperBound...]
        }
        return result + rest
    }
}

/// Calls that aren't calls: they are rewritten while reading.
enum CELMacro {
    static func expand(_ name: String, target: CELExpression?, _ arguments: [CELExpression]) throws(CELError) -> CELExpression {
        func identifier(_ index: Int) throws(CELError) -> String {
            guard case .name(let name) = arguments[index] else { throw CELError("argument must be a simple name") }
            return name
        }
        switch (name, target, arguments.count) {
        case ("has", nil, 1):
            guard case .select(let operand, let field, isOptional: _) = arguments[0] else {
                throw CELError("invalid argument to has() macro")
            }
            return .has(operand, field)
        case ("all", let range?, 2), ("exists", let range?, 2), ("exists_one", let range?, 2), ("existsOne", let range?, 2),
            ("map", let range?, 2), ("filter", let range?, 2):
            guard let kind = CELComprehension.Kind(rawValue: name == "existsOne" ? "exists_one" : name) else { break }
            return .comprehension(.init(kind: kind, range: range, names: [try identifier(0)], body: arguments[1]))
        case ("map", let range?, 3):
            return .comprehension(
                .init(kind: .map, range: range, names: [try identifier(0)], condition: arguments[1], body: arguments[2]))
        case ("all", let range?, 3), ("exists", let range?, 3), ("exists_one", let range?, 3), ("existsOne", let range?, 3),
            ("transformList", let range?, 3), ("transformMap", let range?, 3), ("transformMapEntry", let range?, 3):
            guard let kind = CELComprehension.Kind(rawValue: name == "existsOne" ? "exists_one" : name) else { break }
            return .comprehension(
                .init(kind: kind, range: range, names: [try identifier(0), try identifier(1)], body: arguments[2]))
        case ("transformList", let range?, 4), ("transformMap", let range?, 4), ("transformMapEntry", let range?, 4):
            guard let kind = CELComprehension.Kind(rawValue: name) else { break }
            return .comprehension(
                .init(
                    kind: kind, range: range, names: [try identifier(0), try identifier(1)], condition: arguments[2],
                    body: arguments[3]))
        case ("bind", .name("cel")?, 3): return .bind(try identifier(0), arguments[1], arguments[2])
        case ("optMap", let operand?, 2), ("optFlatMap", let operand?, 2):
            return .optionalMap(operand, try identifier(0), arguments[1], isFlat: name == "optFlatMap")
        default: break
        }
        // Functions with a dotted name.
        if case .name(let space)? = target,
            ["math", "sets", "optional", "base64", "ip", "format", "strings", "cidr"].contains(space),
            CELFunctions.qualified.contains("\(space).\(name)")
        {
            return .call("\(space).\(name)", target: nil, arguments)
        }
        return .call(name, target: target, arguments)
    }
}
