/// Reads the text form of a label selector.
struct SelectorParser {
    private enum Token: Equatable {
        case word(String)
        case comma, open, close, equal, doubleEqual, notEqual, not, greater, less, end

        var text: String {
            switch self {
            case .word(let word): word
            case .comma: ","
            case .open: "("
            case .close: ")"
            case .equal: "="
            case .doubleEqual: "=="
            case .notEqual: "!="
            case .not: "!"
            case .greater: ">"
            case .less: "<"
            case .end: ""
            }
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(text: String) { bytes = Array(text.utf8) }

    mutating func parse() throws(ObjectError) -> [LabelSelector.Requirement] {
        var requirements: [LabelSelector.Requirement] = []
        guard peek() != .end else { return [] }
        while true {
            requirements.append(try requirement())
            switch next() {
            case .end: return requirements.sorted { $0.key < $1.key }
            case .comma:
                let token = peek()
                if case .word = token { continue }
                guard token == .not else {
                    throw ObjectError("unable to parse requirement: found '\(token.text)', expected: identifier after ','")
                }
            case let token:
                throw ObjectError("unable to parse requirement: found '\(token.text)', expected: ',' or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(ObjectError) -> LabelSelector.Requirement {
        var isNegated = false
        if peek() == .not {
            _ = next()
            isNegated = true
        }
        let token = next()
        guard case .word(let key) = token else {
            throw ObjectError("unable to parse requirement: found '\(token.text)', expected: identifier")
        }
        if let problem = LabelSyntax.keyProblem(key) {
            throw ObjectError("unable to parse requirement: <nil>: Invalid value: \(JSON.string(key).text): \(problem)")
        }
        if isNegated { return .init(key, .doesNotExist) }
        if peek() == .end || peek() == .comma { return .init(key, .exists) }
        let operation = next()
        switch operation {
        case .equal, .doubleEqual: return .init(key, .isIn, [try value(key)])
        case .notEqual: return .init(key, .notIn, [try value(key)])
        case .greater, .less:
            let text = try value(key)
            guard Int64(text) != nil else {
                throw ObjectError(
                    "unable to parse requirement: values[0][\(key)]: Invalid value: \(JSON.string(text).text): for 'Gt', 'Lt' operators, the value must be an integer"
                )
            }
            return .init(key, operation == .greater ? .greaterThan : .lessThan, [text])
        case .word("in"): return .init(key, .isIn, try values(key))
        case .word("notin"): return .init(key, .notIn, try values(key))
        default:
            throw ObjectError(
                "unable to parse requirement: found '\(operation.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    private mutating func value(_ key: String) throws(ObjectError) -> String {
        switch peek() {
        case .end, .comma: return ""
        case .word(let word):
            _ = next()
            return try check(word, key)
        case let token:
            throw ObjectError("unable to parse requirement: found '\(token.text)', expected: identifier")
        }
    }

    /// The values in parentheses, each once: they are a set.
    private mutating func values(_ key: String) throws(ObjectError) -> [String] {
        var seen: Set<String> = []
        return try listedValues(key).filter { seen.insert($0).inserted }
    }

    private mutating func listedValues(_ key: String) throws(ObjectError) -> [String] {
        let first = next()
        guard first == .open else { throw ObjectError("unable to parse requirement: found '\(first.text)', expected: '('") }
        var values: [String] = []
        while true {
            switch next() {
            case .word(let word):
                values.append(try check(word, key))
                let token = next()
                if token == .close { return values }
                guard token == .comma else {
                    throw ObjectError("unable to parse requirement: found '\(token.text)', expected: ',' or ')'")
                }
                if peek() == .close {
                    _ = next()
                    return values + [""]
                }
            case .comma: values.append("")
            case .close: return values.isEmpty ? [""] : values
            case let token:
                throw ObjectError("unable to parse requirement: found '\(token.text)', expected: ',', ')' or identifier")
            }
        }
    }

    private func check(_ value: String, _ key: String) throws(ObjectError) -> String {
        if let problem = LabelSyntax.valueProblem(value) {
            throw ObjectError(
                "unable to parse requirement: values[0][\(key)]: Invalid value: \(JSON.string(value).text): \(problem)")
        }
        return value
    }

    private mutating func next() -> Token {
        let (token, end) = scan()
        position = end
        return token
    }

    private func peek() -> Token { scan().0 }

    private func scan() -> (Token, Int) {
        var index = position
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
        guard index < bytes.count else { return (.end, index) }
        func follows(_ character: Character) -> Bool { index + 1 < bytes.count && bytes[index + 1] == character.asciiValue }
        switch bytes[index] {
        case UInt8(ascii: ","): return (.comma, index + 1)
        case UInt8(ascii: "("): return (.open, index + 1)
        case UInt8(ascii: ")"): return (.close, index + 1)
        case UInt8(ascii: ">"): return (.greater, index + 1)
        case UInt8(ascii: "<"): return (.less, index + 1)
        case UInt8(ascii: "="): return follows("=") ? (.doubleEqual, index + 2) : (.equal, index + 1)
        case UInt8(ascii: "!"): return follows("=") ? (.notEqual, index + 2) : (.not, index + 1)
        default:
            let start = index
            while index < bytes.count, !Array(" \t\r\n,()><=!".utf8).contains(bytes[index]) { index += 1 }
            return (.word(String(decoding: bytes[start..<index], as: UTF8.self)), index)
        }
    }
}
