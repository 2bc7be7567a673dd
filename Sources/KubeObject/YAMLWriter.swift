extension YAML {
    static func write(_ value: JSON, indentation: Int, isInline: Bool, to output: inout String) {
        let margin = String(repeating: " ", count: indentation)
        switch value {
        case .object(let object) where !object.isEmpty:
            var isFirst = isInline
            for (key, member) in object {
                if !isFirst { output += margin }
                isFirst = false
                // Readers look for the colon of a simple key no further than 1024 characters; upstream's writer stops at 128.
                output += key.utf8.count > 128 ? "? \(scalar(key))\n\(margin):" : scalar(key) + ":"
                writeMember(member, indentation: indentation, to: &output)
            }
        case .array(let array) where !array.isEmpty:
            var isFirst = isInline
            for element in array {
                if !isFirst { output += margin }
                isFirst = false
                output += "- "
                write(element, indentation: indentation + 2, isInline: true, to: &output)
            }
        case .object: output += "{}\n"
        case .array: output += "[]\n"
        case .string(let text): output += block(text, indentation: isInline ? indentation : indentation + 2) + "\n"
        default: output += value.text + "\n"
        }
    }

    private static func writeMember(_ value: JSON, indentation: Int, to output: inout String) {
        switch value {
        case .object(let object) where !object.isEmpty:
            output += "\n"
            write(value, indentation: indentation + 2, isInline: false, to: &output)
        case .array(let array) where !array.isEmpty:
            output += "\n"
            write(value, indentation: indentation, isInline: false, to: &output)
        case .string(let text): output += " " + block(text, indentation: indentation + 2) + "\n"
        default:
            output += " "
            write(value, indentation: indentation, isInline: true, to: &output)
        }
    }

    /// Text of several lines as a literal block where that keeps it exactly; anything else as a scalar.
    private static func block(_ text: String, indentation: Int) -> String {
        guard text.utf8.contains(0x0A), !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x0A }), !text.hasPrefix(" "),
            !text.hasPrefix("\n"), text != "\n", !text.unicodeScalars.contains(where: mustBeEscaped)
        else { return scalar(text) }
        let trailing = text.reversed().prefix { $0 == "\n" }.count
        let mark = trailing == 0 ? "|-" : trailing == 1 ? "|" : "|+"
        let margin = String(repeating: " ", count: indentation)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if trailing > 0 { lines.removeLast() }
        return mark + lines.map { $0.isEmpty ? "\n" : "\n\(margin)\($0)" }.joined()
    }

    /// Plain where a reader would surely read the same string back; quoted as JSON otherwise.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            hasPlainBytes(text) && !truthValues.contains(text) && number(text) == nil && Timestamp.parse(text) == nil
            && !looksLikeDate(text)
        guard !isPlain else { return text }
        let quoted = JSON.string(text).text
        guard quoted.unicodeScalars.contains(where: mustBeEscaped) else { return quoted }
        return quoted.unicodeScalars.reduce(into: "") { output, scalar in
            guard mustBeEscaped(scalar) else { return output.unicodeScalars.append(scalar) }
            let digits = String(scalar.value, radix: 16)
            output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }

    /// What JSON lets stand as it is, but a YAML reader refuses or takes for the end of a line.
    /// Source: https://yaml.org/spec/1.1/#printable%20character/
    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        (0x7F...0x9F).contains(scalar.value) || [0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(scalar.value)
    }

    /// Whether a text begins, goes on and ends so that it can't be taken for anything but a plain scalar's text.
    private static func hasPlainBytes(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            guard let first = bytes.first, let last = bytes.last, !notFirst.contains(first), !notLast.contains(last) else {
                return false
            }
            var previous: UInt8 = 0
            for byte in bytes {
                guard (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || alsoPlain.contains(byte) else { return false }
                // A colon before a space ends a key.
                if byte == UInt8(ascii: " "), previous == UInt8(ascii: ":") { return false }
                previous = byte
            }
            return true
        }
    }

    private static let alsoPlain = Array("-_./ :=,@+()".utf8)
    private static let notFirst = Array("-:=,@ ".utf8)
    private static let notLast = Array(": ".utf8)
    private static let truthValues: Set<String> = [
        "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No", "NO",
        "on",
        "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N",
    ]

    private static func looksLikeDate(_ text: String) -> Bool {
        let start = text.utf8.prefix(5)
        return text.utf8.count >= 8 && start.dropLast().allSatisfy { $0 &- 0x30 < 10 } && start.last == UInt8(ascii: "-")
    }
}
