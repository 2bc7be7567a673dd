import KubeObject

/// Functions of strings.
extension CELFunctions {
    static func texts(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        guard case .string(let text)? = values.first else { return name == "join" ? try join(values) : nil }
        let arguments = values.dropFirst()
        func string(_ index: Int) throws(CELError) -> String {
            guard index < values.count, case .string(let value) = values[index] else { throw .noOverload(name) }
            return value
        }
        func int(_ index: Int) throws(CELError) -> Int {
            guard index < values.count, case .int(let value) = values[index] else { throw .noOverload(name) }
            return Int(value)
        }
        switch (name, arguments.count) {
        case ("contains", 1): return .bool(find(try string(1), in: text, from: 0) != nil)
        case ("startsWith", 1): return .bool(text.utf8.starts(with: try string(1).utf8))
        case ("endsWith", 1): return .bool(text.utf8.reversed().starts(with: try string(1).utf8.reversed()))
        case ("matches", 1): return .bool(try regex(string(1)).matches(text))
        case ("find", 1): return .string(try regex(string(1)).firstMatch(in: text) ?? "")
        case ("findAll", 1): return .list(try regex(string(1)).allMatches(in: text).map { .string($0) })
        case ("findAll", 2):
            let limit = try int(2)
            return .list(try regex(string(1)).allMatches(in: text, limit: limit < 0 ? .max : limit).map { .string($0) })
        case ("charAt", 1):
            let scalars = Array(text.unicodeScalars)
            let index = try int(1)
            guard (0...scalars.count).contains(index) else { throw CELError("index out of range: \(index)") }
            return .string(index == scalars.count ? "" : String(Character(scalars[index])))
        case ("indexOf", 1): return .int(Int64(find(try string(1), in: text, from: 0) ?? -1))
        case ("indexOf", 2):
            let start = try int(2)
            guard start >= 0, start <= text.unicodeScalars.count else { throw CELError("index out of range: \(start)") }
            return .int(Int64(find(try string(1), in: text, from: start) ?? -1))
        case ("lastIndexOf", 1), ("lastIndexOf", 2):
            let limit = arguments.count == 2 ? try int(2) : text.unicodeScalars.count
            guard limit >= 0 else { throw CELError("index out of range: \(limit)") }
            return .int(Int64(findLast(try string(1), in: text, upTo: limit) ?? -1))
        case ("lowerAscii", 0): return .string(mapASCII(text, 0x41...0x5A) { $0 | 0x20 })
        case ("upperAscii", 0): return .string(mapASCII(text, 0x61...0x7A) { $0 & ~0x20 })
        case ("replace", 2): return .string(replace(text, try string(1), try string(2), limit: -1))
        case ("replace", 3): return .string(replace(text, try string(1), try string(2), limit: try int(3)))
        case ("split", 1): return .list(split(text, try string(1), limit: -1).map { .string($0) })
        case ("split", 2): return .list(split(text, try string(1), limit: try int(2)).map { .string($0) })
        case ("substring", 1), ("substring", 2):
            let scalars = Array(text.unicodeScalars)
            let start = try int(1)
            let end = arguments.count == 2 ? try int(2) : scalars.count
            guard start >= 0, start <= scalars.count else { throw CELError("index out of range: \(start)") }
            guard end >= start, end <= scalars.count else {
                throw CELError("invalid substring range. start: \(start), end: \(end)")
            }
            return .string(self.text(scalars[start..<end]))
        case ("trim", 0):
            var scalars = Array(text.unicodeScalars)[...]
            while scalars.first?.properties.isWhitespace ?? false { scalars.removeFirst() }
            while scalars.last?.properties.isWhitespace ?? false { scalars.removeLast() }
            return .string(self.text(scalars))
        case ("reverse", 0): return .string(self.text(Array(text.unicodeScalars.reversed())[...]))
        case ("format", 1):
            guard let values = values[1].elements else { throw .noOverload(name) }
            return .string(try format(text, values))
        case ("strings.quote", 0): return .string(JSON.string(text).text)
        default: return nil
        }
    }

    private static func join(_ values: [CELValue]) throws(CELError) -> CELValue? {
        guard let elements = values.first?.elements else { return nil }
        var separator = ""
        if values.count == 2 {
            guard case .string(let text) = values[1] else { throw .noOverload("join") }
            separator = text
        }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else { throw .noOverload("join") }
            texts.append(text)
        }
        return .string(texts.joined(separator: separator))
    }

    private static func regex(_ pattern: String) throws(CELError) -> LinearRegex {
        do { return try LinearRegex(pattern) } catch { throw CELError(error.description) }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The position in scalars of the first occurrence.
    private static func find(_ needle: String, in text: String, from start: Int) -> Int? {
        let scalars = Array(text.unicodeScalars)
        let wanted = Array(needle.unicodeScalars)
        guard scalars.count - start >= wanted.count else { return nil }
        return (start...scalars.count - wanted.count).first { scalars[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    private static func findLast(_ needle: String, in text: String, upTo limit: Int) -> Int? {
        let scalars = Array(text.unicodeScalars)
        let wanted = Array(needle.unicodeScalars)
        guard scalars.count >= wanted.count else { return nil }
        return (0...min(limit, scalars.count - wanted.count)).last { scalars[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    private static func mapASCII(_ text: String, _ range: ClosedRange<UInt8>, _ map: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map { range.contains($0) ? map($0) : $0 }, as: UTF8.self)
    }

    private static func replace(_ text: String, _ old: String, _ new: String, limit: Int) -> String {
        if limit == 0 { return text }
        if old.isEmpty {
            var result = ""
            var count = 0
            for scalar in text.unicodeScalars {
                if limit < 0 || count < limit { result += new }
                count += 1
                result.unicodeScalars.append(scalar)
            }
            return limit < 0 || count < limit ? result + new : result
        }
        return split(text, old, limit: limit < 0 ? -1 : limit + 1).joined(separator: new)
    }

    private static func split(_ text: String, _ separator: String, limit: Int) -> [String] {
        if limit == 0 { return [] }
        if limit == 1 { return [text] }
        if separator.isEmpty { return text.unicodeScalars.map { String(Character($0)) } }
        let scalars = Array(text.unicodeScalars)
        let wanted = Array(separator.unicodeScalars)
        var parts: [String] = []
        var start = 0
        var index = 0
        while index + wanted.count <= scalars.count, limit < 0 || parts.count < limit - 1 {
            if scalars[index..<index + wanted.count].elementsEqual(wanted) {
                parts.append(self.text(scalars[start..<index]))
                index += wanted.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [self.text(scalars[start...])]
    }

    /// `%s %d %f %e %b %o %x %X %%`, with a precision for `%f` and `%e`.
    private static func format(_ pattern: String, _ values: [CELValue]) throws(CELError) -> String {
        var result = ""
        var rest = values[...]
        var scalars = Array(pattern.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            var precision = 6
            if scalars.first == "." {
                scalars.removeFirst()
                var digits = ""
                while let digit = scalars.first, ("0"..."9").contains(digit) {
                    digits.unicodeScalars.append(digit)
                    scalars.removeFirst()
                }
                precision = min(Int(digits) ?? 6, 100)
            }
            guard let verb = scalars.popFirst() else {
                throw CELError("could not parse formatting clause: unexpected end of format string")
            }
            if verb == "%" {
                result += "%"
                continue
            }
            guard let value = rest.popFirst() else { throw CELError("index \(values.count) out of range") }
            switch verb {
            case "s": result += show(value)
            case "d": result += try String(CELConversion.int(value))
            case "f": result += fixed(try CELConversion.double(value), precision)
            case "e":
                let number = try CELConversion.double(value)
                var exponent = 0
                var mantissa = number
                while abs(mantissa) >= 10 {
                    mantissa /= 10
                    exponent += 1
                }
                while mantissa != 0, abs(mantissa) < 1 {
                    mantissa *= 10
                    exponent -= 1
                }
                let digits = String(abs(exponent))
                result += "\(fixed(mantissa, precision))e\(exponent < 0 ? "-" : "+")\(digits.count < 2 ? "0" + digits : digits)"
            case "b":
                if case .bool(let bool) = value {
                    result += bool ? "1" : "0"
                } else {
                    result += String(try CELConversion.int(value), radix: 2)
                }
            case "o": result += String(try CELConversion.int(value), radix: 8)
            case "x", "X":
                var text = ""
                switch value {
                case .string(let string): for byte in string.utf8 { text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
                case .bytes(let bytes): for byte in bytes { text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
                default: text = String(try CELConversion.int(value), radix: 16)
                }
                result += verb == "X" ? text.uppercased() : text
            default: throw CELError("could not parse formatting clause: unrecognized formatting clause \"\(verb)\"")
            }
        }
        return result
    }

    private static func fixed(_ value: Double, _ precision: Int) -> String {
        guard value.isFinite else { return CELConversion.double(value) }
        var scale = 1.0
        for _ in 0..<min(precision, 15) { scale *= 10 }
        let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
        guard scaled < 9e18 else { return CELConversion.double(value) }
        let number = Int64(scaled)
        let whole = number / Int64(scale)
        var part = String(number % Int64(scale))
        part = String(repeating: "0", count: max(0, min(precision, 15) - part.count)) + part
        let sign = value < 0 ? "-" : ""
        return precision == 0
            ? "\(sign)\(whole)" : "\(sign)\(whole).\(part)\(String(repeating: "0", count: max(0, precision - 15)))"
    }

    private static func show(_ value: CELValue) -> String {
        if case .null = value { return "null" }
        if let elements = value.elements { return "[\(elements.map(show).joined(separator: ", "))]" }
        if let entries = value.entries {
            let shown = entries.map { (show($0.key), show($0.value)) }.sorted { $0.0 < $1.0 }
            return "{\(shown.map { "\($0.0): \($0.1)" }.joined(separator: ", "))}"
        }
        return CELConversion.string(value) ?? value.typeName
    }
}
