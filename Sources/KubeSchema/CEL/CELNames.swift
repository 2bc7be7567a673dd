/// Names that can't stand as they are.
public enum CELNames {
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace",
        "return", "var", "void", "while",
    ]

    private static let words: Set<String> = reserved.union(["true", "false", "null", "in"])

    private static let escaped: [String: String] = {
        var names = ["underscores": "__", "dot": ".", "dash": "-", "slash": "/"]
        for word in words { names[word] = word }
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

    /// How expressions write the name of a field; nil for a name that they can't write.
    public static func escape(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, !(0x30...0x39).contains(first) else { return nil }
        if words.contains(name) { return "__\(name)__" }
        var result = ""
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "_"):
                if index < bytes.count, bytes[index] == byte {
                    index += 1
                    result += "__underscores__"
                } else {
                    result += "_"
                }
            case UInt8(ascii: "."): result += "__dot__"
            case UInt8(ascii: "-"): result += "__dash__"
            case UInt8(ascii: "/"): result += "__slash__"
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: return nil
            }
        }
        return result
    }
}
