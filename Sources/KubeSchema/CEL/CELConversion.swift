import KubeObject

/// Conversions between types.
enum CELConversion {
    /// What `string()` gives; nil for what has no text.
    static func string(_ value: CELValue) -> String? {
        switch value {
        case .string(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return String(value)
        case .uint(let value): return String(value)
        case .double(let value): return double(value)
        case .bytes(let bytes): return String(validating: bytes, as: UTF8.self)
        case .timestamp(let nanos):
            let seconds = nanos >= 0 ? nanos / 1_000_000_000 : (nanos - 999_999_999) / 1_000_000_000
            let part = Int(nanos - seconds * 1_000_000_000)
            let whole = Timestamp.format(Double(seconds))
            guard part > 0 else { return whole }
            var digits = String(part)
            digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            return whole.dropLast() + ".\(digits)Z"
        case .duration(let nanos):
            let (seconds, part) = nanos.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
            var text = "\(nanos < 0 ? "-" : "")\(seconds)"
            if part > 0 {
                var digits = String(part)
                digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
                while digits.hasSuffix("0") { digits.removeLast() }
                text += ".\(digits)"
            }
            return text + "s"
        case .quantity(let quantity): return quantity.description
        case .ip(let ip): return ip.text
        case .cidr(let ip, let prefix): return "\(ip.text)/\(prefix)"
        case .url(let url): return url.text
        case .type(let name): return name
        default: return nil
        }
    }

    static func double(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
        return "\(value)"
    }

    static func int(_ value: CELValue) throws(CELError) -> Int64 {
        switch value {
        case .int(let value): return value
        case .uint(let value):
            guard let value = Int64(exactly: value) else { throw CELError("integer overflow") }
            return value
        case .double(let value):
            guard value.isFinite, let value = Int64(exactly: value.rounded(.towardZero)) else {
                throw CELError("integer overflow")
            }
            return value
        case .string(let text):
            guard let value = Int64(text) else { throw CELError("type conversion error from 'string' to 'int'") }
            return value
        case .timestamp(let nanos): return Int64(clamping: nanos / 1_000_000_000)
        case .duration(let nanos): return nanos
        default: throw .noOverload("int")
        }
    }

    static func uint(_ value: CELValue) throws(CELError) -> UInt64 {
        switch value {
        case .uint(let value): return value
        case .int(let value):
            guard let value = UInt64(exactly: value) else { throw CELError("unsigned integer overflow") }
            return value
        case .double(let value):
            guard value.isFinite, let value = UInt64(exactly: value.rounded(.towardZero)) else {
                throw CELError("unsigned integer overflow")
            }
            return value
        case .string(let text):
            guard let value = UInt64(text) else { throw CELError("type conversion error from 'string' to 'uint'") }
            return value
        default: throw .noOverload("uint")
        }
    }

    static func double(_ value: CELValue) throws(CELError) -> Double {
        switch value {
        case .double(let value): return value
        case .int(let value): return Double(value)
        case .uint(let value): return Double(value)
        case .string(let text):
            guard let value = Double(text), value.isFinite || !text.contains(where: \.isNumber) else {
                throw CELError("type conversion error from 'string' to 'double'")
            }
            return value
        default: throw .noOverload("double")
        }
    }

    static func bool(_ value: CELValue) throws(CELError) -> Bool {
        switch value {
        case .bool(let value): return value
        case .string(let text):
            switch text {
            case "1", "t", "T", "true", "TRUE", "True": return true
            case "0", "f", "F", "false", "FALSE", "False": return false
            default: throw CELError("type conversion error from 'string' to 'bool'")
            }
        default: throw .noOverload("bool")
        }
    }

    static func timestamp(_ text: String) throws(CELError) -> Int128 {
        guard let seconds = Timestamp.parse(text) else {
            throw CELError("invalid RFC 3339 timestamp \(JSON.string(text).text)")
        }
        let whole = seconds.rounded(.down)
        var nanos = Int128(whole) * 1_000_000_000
        if let dot = text.firstIndex(of: ".") {
            let digits = text[text.index(after: dot)...].prefix { $0.isNumber }.prefix(9)
            if let part = Int128(digits) {
                var scaled = part
                for _ in digits.count..<9 { scaled *= 10 }
                nanos += scaled
            }
        }
        return nanos
    }
}
