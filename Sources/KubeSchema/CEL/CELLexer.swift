/// A token and where it stands, in code points.
struct CELPlacedToken {
    let token: CELToken
    let start: Int
    let end: Int
    /// As it is written.
    let text: String
}

/// The tokens of an expression.
enum CELToken: Equatable {
    case name(String)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case symbol(String)
    case end
}

struct CELLexer {
    private let text: [Unicode.Scalar]
    private var position = 0
    /// What is wrong with the number that was read last: it is a token all the same.
    private var unfit: String?

    init(_ source: String) { text = Array(source.unicodeScalars) }

    /// The tokens, and what isn't one: that is left out.
    mutating func tokens() -> (tokens: [CELPlacedToken], errors: [CELError]) {
        var tokens: [CELPlacedToken] = []
        var errors: [CELError] = []
        skipSpace()
        while position < text.count, errors.count < CELIssues.maximum {
            let start = position
            do throws(CELError) {
                let token = try next()
                tokens.append(CELPlacedToken(token: token, start: start, end: position, text: slice(start)))
                if let problem = unfit {
                    errors.append(CELError(problem, at: start))
                    unfit = nil
                }
            } catch {
                errors.append(CELError(error.description, at: start))
            }
            skipSpace()
        }
        return (tokens + [CELPlacedToken(token: .end, start: text.count, end: text.count, text: "<EOF>")], errors)
    }

    /// What was written between two places.
    func written(_ start: Int, _ end: Int) -> String { slice(start, end) }

    /// What can't be read up to here, or one further.
    private mutating func unrecognized(from start: Int, oneMore: Bool) -> CELError {
        if oneMore { position = min(position + 1, text.count) }
        return CELError("Syntax error: token recognition error at: '\(slice(start))'")
    }

    private func at(_ offset: Int) -> Unicode.Scalar? {
        position + offset < text.count ? text[position + offset] : nil
    }

    private mutating func skipSpace() {
        while let scalar = at(0) {
            if scalar == "/", at(1) == "/" {
                while let scalar = at(0), scalar != "\n" { position += 1 }
            } else if scalar.properties.isWhitespace {
                position += 1
            } else {
                break
            }
        }
    }

    /// The token that starts here: there is at least one code point.
    private mutating func next() throws(CELError) -> CELToken {
        let scalar = text[position]
        if Self.isDigit(scalar) || (scalar == "." && at(1).map(Self.isDigit) ?? false) { return number() }
        if let token = try prefixedString() { return token }
        if Self.isNameStart(scalar) {
            let start = position
            while let scalar = at(0), Self.isNameStart(scalar) || Self.isDigit(scalar) { position += 1 }
            return .name(slice(start))
        }
        if scalar == "`", let end = text[(position + 1)...].firstIndex(of: "`"), end > position + 1 {
            let name = slice(position + 1, end)
            position = end + 1
            return .name(name)
        }
        for symbol in ["&&", "||", "==", "!=", "<=", ">="] where at(1) != nil && slice(position, position + 2) == symbol {
            position += 2
            return .symbol(symbol)
        }
        let start = position
        position += 1
        guard "+-*/%<>!?:.,()[]{}".unicodeScalars.contains(scalar) else {
            // Half a symbol is told with what stands where the other half should.
            throw unrecognized(from: start, oneMore: scalar == "=" || scalar == "&" || scalar == "|")
        }
        return .symbol(String(Character(scalar)))
    }

    private func slice(_ start: Int, _ end: Int? = nil) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text[min(start, text.count)..<min(end ?? position, text.count)])
        return String(view)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }

    private mutating func unfitting(_ problem: String) -> CELToken {
        unfit = problem
        return .int(0)
    }

    private mutating func number() -> CELToken {
        let start = position
        if at(0) == "0", at(1) == "x", at(2)?.properties.isASCIIHexDigit ?? false {
            position += 2
            while let scalar = at(0), scalar.properties.isASCIIHexDigit { position += 1 }
            let digits = String(slice(start).dropFirst(2))
            if at(0) == "u" || at(0) == "U" {
                position += 1
                guard let value = UInt64(digits, radix: 16) else { return unfitting("invalid uint literal") }
                return .uint(value)
            }
            guard let value = Int64(digits, radix: 16) else { return unfitting("invalid int literal") }
            return .int(value)
        }
        var isDouble = false
        while let scalar = at(0), Self.isDigit(scalar) { position += 1 }
        if at(0) == ".", at(1).map(Self.isDigit) ?? false {
            isDouble = true
            position += 1
            while let scalar = at(0), Self.isDigit(scalar) { position += 1 }
        }
        if at(0) == "e" || at(0) == "E" {
            isDouble = true
            position += 1
            if at(0) == "+" || at(0) == "-" { position += 1 }
            while let scalar = at(0), Self.isDigit(scalar) { position += 1 }
        }
        let digits = slice(start)
        if isDouble {
            guard let value = Double(digits) else { return unfitting("invalid double literal") }
            return .double(value)
        }
        if at(0) == "u" || at(0) == "U" {
            position += 1
            guard let value = UInt64(digits) else { return unfitting("invalid uint literal") }
            return .uint(value)
        }
        // The smallest integer is written as a negation of what doesn't fit: the parser puts the sign in front.
        if digits == "9223372036854775808" { return .uint(9_223_372_036_854_775_808) }
        guard let value = Int64(digits) else { return unfitting("invalid int literal") }
        return .int(value)
    }

    /// A string with its prefixes `r` and `b`, or nil when there is none here.
    private mutating func prefixedString() throws(CELError) -> CELToken? {
        var isRaw = false
        var isBytes = false
        var offset = 0
        while let scalar = at(offset), offset < 2 {
            if scalar == "r" || scalar == "R", !isRaw {
                isRaw = true
            } else if scalar == "b" || scalar == "B", !isBytes {
                isBytes = true
            } else {
                break
            }
            offset += 1
        }
        guard let quote = at(offset), quote == "\"" || quote == "'" else { return nil }
        let start = position
        position += offset
        let isTriple = at(1) == quote && at(2) == quote
        position += isTriple ? 3 : 1
        do throws(CELError) {
            let bytes = try contents(quote, isTriple: isTriple, isRaw: isRaw, isBytes: isBytes, of: start)
            return isBytes ? .bytes(bytes) : .string(String(decoding: bytes, as: UTF8.self))
        } catch {
            // What doesn't end is read as less, where it can be: the name in front of it, or the empty string of two quotes.
            guard isTriple || offset > 0 else { throw error }
            position = start
            if offset > 0 { return nil }
            position += 2
            return .string("")
        }
    }

    /// What stands between the quotes, past which this goes.
    private mutating func contents(
        _ quote: Unicode.Scalar, isTriple: Bool, isRaw: Bool, isBytes: Bool, of start: Int
    ) throws(CELError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            guard let scalar = at(0), isTriple || scalar != "\n" else { throw unrecognized(from: start, oneMore: false) }
            if scalar == quote, !isTriple || (at(1) == quote && at(2) == quote) {
                position += isTriple ? 3 : 1
                return bytes
            }
            position += 1
            if scalar == "\\", !isRaw {
                try escape(into: &bytes, isBytes: isBytes, of: start)
            } else {
                bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
            }
        }
    }

    private mutating func escape(into bytes: inout [UInt8], isBytes: Bool, of start: Int) throws(CELError) {
        guard let scalar = at(0) else { throw unrecognized(from: start, oneMore: false) }
        position += 1
        func code(_ count: Int, radix: Int) throws(CELError) {
            guard position + count <= text.count, let value = UInt32(slice(position, position + count), radix: radix) else {
                throw unrecognized(from: start, oneMore: false)
            }
            position += count
            if isBytes, count <= 3 {
                bytes.append(UInt8(truncatingIfNeeded: value))
            } else {
                guard let scalar = Unicode.Scalar(value) else { throw CELError("unable to unescape string") }
                bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
            }
        }
        switch scalar {
        case "n": bytes.append(10)
        case "r": bytes.append(13)
        case "t": bytes.append(9)
        case "a": bytes.append(7)
        case "b": bytes.append(8)
        case "f": bytes.append(12)
        case "v": bytes.append(11)
        case "\\", "\"", "'", "`", "?": bytes.append(UInt8(scalar.value))
        case "x", "X": try code(2, radix: 16)
        case "u": try code(4, radix: 16)
        case "U": try code(8, radix: 16)
        case "0"..."3":
            position -= 1
            try code(3, radix: 8)
        default: throw unrecognized(from: start, oneMore: false)
        }
    }
}
