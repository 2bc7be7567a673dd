/// What a pattern says.
indirect enum RegexNode {
    case empty
    case characters(CharacterSet)
    case assertion(LinearRegex.Assertion)
    case sequence([RegexNode])
    case alternatives([RegexNode])
    /// `maximum` nil: without end.
    case repeated(RegexNode, minimum: Int, maximum: Int?, isGreedy: Bool)
}

/// Reads RE2's syntax. Nesting is bounded.
struct RegexParser {
    typealias SyntaxError = LinearRegex.SyntaxError

    private struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotTakesNewline = false
        var isUngreedy = false
    }

    private let text: [Unicode.Scalar]
    private var position = 0
    private var flags = Flags()

    init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

    mutating func parse() throws(SyntaxError) -> RegexNode {
        let node = try alternatives(depth: 0)
        guard position == text.count else { throw error("unexpected )", String(pattern)) }
        return node
    }

    private var pattern: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text)
        return String(view)
    }

    private func error(_ what: String, _ detail: String) -> SyntaxError {
        SyntaxError(description: "error parsing regexp: \(what): `\(detail)`")
    }

    private var peek: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private mutating func alternatives(depth: Int) throws(SyntaxError) -> RegexNode {
        guard depth < 200 else { throw error("expression nests too deeply", pattern) }
        let saved = flags
        var branches = [try sequence(depth: depth)]
        while take("|") { branches.append(try sequence(depth: depth)) }
        flags = saved
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence(depth: Int) throws(SyntaxError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let scalar = peek, scalar != "|", scalar != ")" {
            guard let atom = try atom(depth: depth) else { continue }
            nodes.append(try repetition(of: atom))
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func repetition(of atom: RegexNode) throws(SyntaxError) -> RegexNode {
        var node = atom
        var isRepeated = false
        while let scalar = peek {
            let start = position
            let bounds: (Int, Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let counted = counted() else { return node }
                bounds = counted
            default: return node
            }
            if scalar != "{" { position += 1 }
            if isRepeated { throw error("invalid nested repetition operator", slice(start - 1, position)) }
            guard bounds.0 <= 1000, bounds.1 ?? 0 <= 1000, bounds.1.map({ $0 >= bounds.0 }) ?? true else {
                throw error("invalid repeat count", slice(start, position))
            }
            let isLazy = take("?")
            node = .repeated(node, minimum: bounds.0, maximum: bounds.1, isGreedy: isLazy == flags.isUngreedy)
            isRepeated = true
        }
        return node
    }

    private func slice(_ start: Int, _ end: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text[max(0, start)..<end])
        return String(view)
    }

    /// `{2}`, `{2,}`, `{2,5}`; anything else is an ordinary brace, and the position stays.
    private mutating func counted() -> (Int, Int?)? {
        var index = position + 1
        func number() -> Int? {
            var value: Int?
            while index < text.count, let digit = Int(String(Character(text[index]))), text[index].isASCII {
                value = min((value ?? 0) * 10 + digit, 100_000)
                index += 1
            }
            return value
        }
        guard let minimum = number() else { return nil }
        var maximum: Int? = minimum
        if index < text.count, text[index] == "," {
            index += 1
            maximum = number()
        }
        guard index < text.count, text[index] == "}" else { return nil }
        position = index + 1
        return (minimum, maximum)
    }

    private mutating func atom(depth: Int) throws(SyntaxError) -> RegexNode? {
        let scalar = text[position]
        position += 1
        switch scalar {
        case "(": return try group(depth: depth)
        case "[": return .characters(fold(try characterClass()))
        case ".": return .characters(flags.dotTakesNewline ? .any : .anyButNewline)
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw error("missing argument to repetition operator", String(Character(scalar)))
        default: return .characters(fold(CharacterSet(scalar)))
        }
    }

    private func fold(_ set: CharacterSet) -> CharacterSet { flags.ignoresCase ? set.foldingCase : set }

    private mutating func group(depth: Int) throws(SyntaxError) -> RegexNode? {
        let start = position - 1
        if take("?") {
            if peek == "P" || peek == "<" {
                if peek == "P" { position += 1 }
                guard take("<"), let end = text[position...].firstIndex(of: ">"), end > position else {
                    throw error("invalid named capture", slice(start, text.count))
                }
                position = end + 1
            } else {
                var isOn = true
                while true {
                    guard let flag = peek else { throw error("missing closing )", pattern) }
                    position += 1
                    switch flag {
                    case "i": flags.ignoresCase = isOn
                    case "m": flags.isMultiline = isOn
                    case "s": flags.dotTakesNewline = isOn
                    case "U": flags.isUngreedy = isOn
                    case "-": isOn = false
                    case ")": return nil
                    case ":":
                        let node = try alternatives(depth: depth + 1)
                        guard take(")") else { throw error("missing closing )", pattern) }
                        return node
                    default: throw error("invalid or unsupported Perl syntax", slice(start, position))
                    }
                }
            }
        }
        let node = try alternatives(depth: depth + 1)
        guard take(")") else { throw error("missing closing )", pattern) }
        return node
    }

    private mutating func escape() throws(SyntaxError) -> RegexNode {
        guard let scalar = peek else { throw error("trailing backslash at end of expression", "") }
        switch scalar {
        case "A", "z", "b", "B":
            position += 1
            let assertions: [Unicode.Scalar: LinearRegex.Assertion] = [
                "A": .textStart, "z": .textEnd, "b": .wordBoundary, "B": .noWordBoundary,
            ]
            return .assertion(assertions[scalar] ?? .textStart)
        case "Q":
            position += 1
            var nodes: [RegexNode] = []
            while position < text.count {
                if text[position] == "\\", position + 1 < text.count, text[position + 1] == "E" {
                    position += 2
                    break
                }
                nodes.append(.characters(fold(CharacterSet(text[position]))))
                position += 1
            }
            return .sequence(nodes)
        default: return .characters(fold(try escapedSet()))
        }
    }

    /// After a backslash: a class or one character.
    private mutating func escapedSet() throws(SyntaxError) -> CharacterSet {
        guard let scalar = peek else { throw error("trailing backslash at end of expression", "") }
        position += 1
        switch scalar {
        case "d": return .digit
        case "D": return CharacterSet.digit.inverted
        case "w": return .word
        case "W": return CharacterSet.word.inverted
        case "s": return .space
        case "S": return CharacterSet.space.inverted
        case "n": return CharacterSet("\n")
        case "t": return CharacterSet("\t")
        case "r": return CharacterSet("\r")
        case "f": return CharacterSet("\u{0C}")
        case "v": return CharacterSet("\u{0B}")
        case "a": return CharacterSet("\u{07}")
        case "p", "P": return try category(isNegated: scalar == "P")
        case "x":
            var digits = ""
            if take("{") {
                while let digit = peek, digit != "}" {
                    digits.unicodeScalars.append(digit)
                    position += 1
                }
                position += 1
            } else {
                for _ in 0..<2 {
                    if let digit = peek {
                        digits.unicodeScalars.append(digit)
                        position += 1
                    }
                }
            }
            guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
                throw error("invalid escape sequence", "\\x\(digits)")
            }
            return CharacterSet(scalar)
        case "0"..."7":
            guard scalar == "0" else { throw error("invalid escape sequence", "\\\(scalar)") }
            return CharacterSet("\0")
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw error("invalid escape sequence", "\\\(scalar)")
            }
            return CharacterSet(scalar)
        }
    }

    private mutating func category(isNegated: Bool) throws(SyntaxError) -> CharacterSet {
        var name = ""
        if take("{") {
            while let scalar = peek, scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw error("invalid character class range", "\\p{\(name)") }
        } else if let scalar = peek {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        var negated = isNegated
        if name.hasPrefix("^") {
            negated.toggle()
            name.removeFirst()
        }
        guard let set = CharacterSet.category(name) else { throw error("invalid character class range", "\\p{\(name)}") }
        return negated ? set.inverted : set
    }

    private mutating func characterClass() throws(SyntaxError) -> CharacterSet {
        let start = position - 1
        let isNegated = take("^")
        var set = CharacterSet([])
        var isFirst = true
        while true {
            guard let scalar = peek else { throw error("missing closing ]", slice(start, text.count)) }
            if scalar == "]", !isFirst {
                position += 1
                return isNegated ? set.inverted : set
            }
            isFirst = false
            if scalar == "[", position + 1 < text.count, text[position + 1] == ":", let named = try posixClass() {
                set = set.union(named)
                continue
            }
            let low = try classMember()
            guard peek == "-", position + 1 < text.count, text[position + 1] != "]" else {
                set = set.union(low)
                continue
            }
            position += 1
            let high = try classMember()
            guard let from = low.ranges.first, let to = high.ranges.first, low.ranges.count == 1, high.ranges.count == 1,
                from.lowerBound == from.upperBound, to.lowerBound == to.upperBound, from.lowerBound <= to.lowerBound
            else { throw error("invalid character class range", slice(start, position)) }
            set = set.union(CharacterSet([from.lowerBound...to.lowerBound]))
        }
    }

    private mutating func classMember() throws(SyntaxError) -> CharacterSet {
        guard let scalar = peek else { throw error("missing closing ]", pattern) }
        position += 1
        return scalar == "\\" ? try escapedSet() : CharacterSet(scalar)
    }

    private mutating func posixClass() throws(SyntaxError) -> CharacterSet? {
        guard
            let end = text[position...].indices.dropLast().first(where: {
                text[$0] == ":" && text[$0 + 1] == "]" && $0 > position + 1
            })
        else { return nil }
        var name = slice(position + 2, end)
        let isNegated = name.hasPrefix("^")
        if isNegated { name.removeFirst() }
        guard let set = CharacterSet.posix[name] else {
            throw error("invalid character class range", slice(position, end + 2))
        }
        position = end + 2
        return isNegated ? set.inverted : set
    }
}
