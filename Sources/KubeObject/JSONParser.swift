/// What is wrong with a JSON text.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// In the words of Go's decoder, which upstream's errors quote: `invalid character 'x' looking for beginning of value`.
    public var description: String
    /// Where, in bytes from the start.
    public var offset: Int
}

extension JSON {
    /// Deeper nesting than this is refused, as upstream's decoder does.
    public static let maximumDepth = 10_000

    /// Reads one JSON text.
    ///
    /// Of several members with one key the last counts. Integers that fit in 64 bits stay integers; other numbers become
    /// doubles. Invalid UTF-8 is replaced by U+FFFD, as Go's decoder does.
    public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var duplicates: [String] = []
        self = try JSON.parse(bytes, duplicates: &duplicates)
    }

    /// As `init(parsing:)`, also telling which keys came more than once in one object, as field paths (`spec.replicas`).
    public static func parse(_ bytes: some Collection<UInt8>, duplicates: inout [String]) throws(JSONError) -> JSON {
        var found: [String] = []
        let result = withBytes(bytes) { buffer -> Result<JSON, JSONError> in
            var parser = JSONParser(bytes: buffer)
            do throws(JSONError) {
                let value = try parser.parseText()
                found = parser.duplicates
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        duplicates += found
        return try result.get()
    }

    private static func withBytes<Result>(
        _ bytes: some Collection<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        if let result = bytes.withContiguousStorageIfAvailable(body) { return result }
        return Array(bytes).withUnsafeBufferPointer(body)
    }
}

/// A recursive-descent parser over one contiguous text. Depth is bounded so that hostile nesting can't exhaust the stack.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    var duplicates: [String] = []
    private var path: [Step] = []
    private var sought: FieldPositions?

    enum Step {
        case key(String)
        case index(Int)
    }

    /// What the stack of a thread of Swift's pool is sure to hold in debug builds; deeper texts are refused.
    static let stackDepth = 512

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// Where fields stand in the text, as far as it can be read.
    static func positions(of sought: FieldPositions, in bytes: UnsafeBufferPointer<UInt8>) -> FieldPositions {
        var parser = JSONParser(bytes: bytes)
        parser.sought = sought
        // What can't be read any more has no fields.
        _ = try? parser.parseText()
        return parser.sought ?? sought
    }

    mutating func parseText() throws(JSONError) -> JSON {
        skipSpace()
        let value = try parseValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw unexpected("after top-level value") }
        return value
    }

    private mutating func parseValue(depth: Int) throws(JSONError) -> JSON {
        guard position < bytes.count else { throw end() }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            guard depth < Self.stackDepth else { throw JSONError(description: "exceeded max depth", offset: position) }
            return try parseObject(depth: depth + 1)
        case UInt8(ascii: "["):
            guard depth < Self.stackDepth else { throw JSONError(description: "exceeded max depth", offset: position) }
            return try parseArray(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw unexpected("looking for beginning of value")
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var members: [JSONObject.Member] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return .object([:])
        }
        while true {
            skipSpace()
            guard position < bytes.count else { throw end() }
            guard bytes[position] == UInt8(ascii: "\"") else { throw unexpected("looking for beginning of object key string") }
            let key = try parseString()
            skipSpace()
            guard position < bytes.count else { throw end() }
            guard bytes[position] == UInt8(ascii: ":") else { throw unexpected("after object key") }
            position += 1
            skipSpace()
            enter(.key(key))
            sought?.note(path, at: position)
            let value = try parseValue(depth: depth)
            leave()
            members.append(JSONObject.Member(key: key, value: value))
            skipSpace()
            guard position < bytes.count else { throw end() }
            if bytes[position] == UInt8(ascii: ",") {
                position += 1
            } else if bytes[position] == UInt8(ascii: "}") {
                position += 1
                break
            } else {
                throw unexpected("after object key:value pair")
            }
        }
        var repeated: [String] = []
        let object = JSONObject(unsorted: members, duplicates: &repeated)
        for key in repeated.prefix(100 - min(100, duplicates.count)) { duplicates.append(fieldPath(key)) }
        return .object(object)
    }

    private mutating func enter(_ step: Step) {
        path.append(step)
        sought?.enter(step)
    }

    private mutating func leave() {
        path.removeLast()
        sought?.leave()
    }

    /// As `spec.containers[0].env`.
    private func fieldPath(_ key: String) -> String {
        var text = ""
        for step in path + [.key(key)] {
            switch step {
            case .key(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    private mutating func parseArray(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            skipSpace()
            enter(.index(elements.count))
            elements.append(try parseValue(depth: depth))
            leave()
            skipSpace()
            guard position < bytes.count else { throw end() }
            if bytes[position] == UInt8(ascii: ",") {
                position += 1
            } else if bytes[position] == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            } else {
                throw unexpected("after array element")
            }
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for index in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count else { throw end() }
            guard bytes[position] == word.utf8Start[index] else {
                throw unexpected("in literal \(word) (expecting '\(Character(UnicodeScalar(word.utf8Start[index])))')")
            }
            position += 1
        }
        return value
    }

    private mutating func parseNumber() throws(JSONError) -> JSON {
        let start = position
        var isInteger = true
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < bytes.count else { throw end() }
        if bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            guard try skipDigits() else { throw unexpected("in numeric literal") }
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard try skipDigits() else { throw unexpected("after decimal point in numeric literal") }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard try skipDigits() else { throw unexpected("in exponent of numeric literal") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else {
            throw JSONError(description: "json: cannot unmarshal number \(text) into Go value of type float64", offset: start)
        }
        return .double(value)
    }

    private mutating func skipDigits() throws(JSONError) -> Bool {
        guard position < bytes.count else { throw end() }
        let start = position
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        return position > start
    }

    private mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = String(decoding: bytes[start..<position], as: UTF8.self)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
            guard byte >= 0x20 else { throw unexpected("in string literal") }
            position += 1
        }
        throw end()
    }

    private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                guard position < bytes.count else { throw end() }
                switch bytes[position] {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[position])
                case UInt8(ascii: "b"): text.append(8)
                case UInt8(ascii: "f"): text.append(12)
                case UInt8(ascii: "n"): text.append(10)
                case UInt8(ascii: "r"): text.append(13)
                case UInt8(ascii: "t"): text.append(9)
                case UInt8(ascii: "u"):
                    text.append(contentsOf: UTF8.encode(try parseUnicodeEscape())!.map { $0 })
                    continue
                default: throw unexpected("in string escape code")
                }
                position += 1
            case 0..<0x20: throw unexpected("in string literal")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw end()
    }

    /// At the `u` of an escape; leaves the position after it, and after the second half of a surrogate pair.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try parseHex()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return replacement }
        let back = position
        position += 1
        let second = try parseHex()
        guard (0xDC00..<0xE000).contains(second) else {
            position = back
            return replacement
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
    }

    private mutating func parseHex() throws(JSONError) -> UInt32 {
        position += 1
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw end() }
            guard let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue else {
                throw unexpected("in \\u hexadecimal character escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func end() -> JSONError { JSONError(description: "unexpected end of JSON input", offset: position) }

    private func unexpected(_ context: String) -> JSONError {
        guard position < bytes.count else { return end() }
        let byte = bytes[position]
        let shown =
            switch byte {
            case UInt8(ascii: "'"): "'\\''"
            case UInt8(ascii: "\n"): "'\\n'"
            case UInt8(ascii: "\t"): "'\\t'"
            case UInt8(ascii: "\r"): "'\\r'"
            case 0x20..<0x7F: "'\(Character(UnicodeScalar(byte)))'"
            default: "'\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) + "'"
            }
        return JSONError(description: "invalid character \(shown) \(context)", offset: position)
    }
}
