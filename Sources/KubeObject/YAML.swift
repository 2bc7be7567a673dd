/// YAML to and from JSON values, by libyaml.
public enum YAML {
    /// How many nodes a text may unfold to per byte-bounded document: aliases that multiply past it are refused.
    static let maximumNodes = 400_000

    /// Reads every document of a text. Empty documents are left out.
    ///
    /// Scalars follow the rules of YAML 1.1 that upstream's decoder keeps: `yes` and `on` are booleans, `0x10` and `0o7` are integers, only quoted
    /// text is surely a string.
    /// - Throws: `ObjectError` with the line where the text is wrong.
    public static func parse(_ text: some Collection<UInt8>) throws(ObjectError) -> [JSON] {
        var repeated: [RepeatedKey] = []
        return try parse(text, repeated: &repeated)
    }

    /// As `parse`, and tells of the keys that stand twice in one mapping, of which the last counts.
    public static func parse(
        _ text: some Collection<UInt8>, repeated: inout [RepeatedKey]
    ) throws(ObjectError) -> [JSON] {
        try YAMLReader.read(Array(text), repeated: &repeated)
    }

    /// A key that stands in a mapping already.
    public struct RepeatedKey: Sendable, Hashable, CustomStringConvertible {
        /// Of the value, from 1.
        public let line: Int
        /// As upstream shows it: text in quotes.
        public let key: String

        public var description: String { "line \(line): key \(key) already set in map" }
    }

    /// One document, in block style, keys in the order of their bytes.
    public static func encode(_ value: JSON) -> String {
        var output = ""
        write(value, indentation: 0, isInline: false, to: &output)
        return output
    }

    /// What a plain scalar means.
    static func resolve(_ text: String) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "y", "Y", "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "n", "N", "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        default: return number(text) ?? .string(text)
        }
    }

    static func number(_ text: String) -> JSON? {
        guard let first = text.utf8.first, first &- 0x30 < 10 || first == 0x2D || first == 0x2B || first == 0x2E else {
            return nil
        }
        let plain = text.replacing("_", with: "")
        let isNegative = plain.hasPrefix("-")
        let digits = plain.hasPrefix("-") || plain.hasPrefix("+") ? plain.dropFirst() : plain[...]
        func radix(_ radix: Int, _ digits: Substring) -> JSON? {
            guard let value = Int64(digits, radix: radix), !digits.hasPrefix("-"), !digits.hasPrefix("+") else { return nil }
            return .int(isNegative ? -value : value)
        }
        if digits.hasPrefix("0x") { return radix(16, digits.dropFirst(2)) }
        if digits.hasPrefix("0b") { return radix(2, digits.dropFirst(2)) }
        if digits.hasPrefix("0o") { return radix(8, digits.dropFirst(2)) }
        if digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
            if digits.count > 1, digits.hasPrefix("0"), let octal = radix(8, digits) { return octal }
            if let value = Int64(plain) { return .int(value) }
        }
        guard digits.utf8.contains(where: { $0 &- 0x30 < 10 }),
            digits.utf8.allSatisfy({ $0 &- 0x30 < 10 || [0x2E, 0x65, 0x45, 0x2B, 0x2D].contains($0) }), let value = Double(plain),
            value.isFinite
        else { return nil }
        return .double(value)
    }
}
