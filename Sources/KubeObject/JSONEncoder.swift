extension JSON {
    /// The canonical text: members ordered by their keys' UTF-8 bytes, no spaces, only what must be escaped is escaped.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1024)
        JSON.write(self, to: &output)
        return output
    }

    /// The canonical text as a string.
    public var text: String { String(decoding: encoded(), as: UTF8.self) }

    public static func write(_ value: JSON, to output: inout [UInt8]) {
        switch value {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let bool): output.append(contentsOf: (bool ? "true" : "false").utf8)
        case .int(let int): output.append(contentsOf: String(int).utf8)
        case .double(let double): write(double, to: &output)
        case .string(let string): write(string, to: &output)
        case .array(let array):
            output.append(UInt8(ascii: "["))
            var isFirst = true
            for element in array {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                write(element, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            var isFirst = true
            for member in object.members {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                write(member.value, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ double: Double, to output: inout [UInt8]) {
        if let int = Int64(exactly: double), abs(double) < 1e15 {
            output.append(contentsOf: String(int).utf8)
        } else {
            output.append(contentsOf: "\(double)".utf8)
        }
    }

    /// Writes a string with its quotes.
    public static func write(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { bytes in
            var start = 0
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                    index += 1
                    continue
                }
                output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
                writeEscape(byte, to: &output)
                index += 1
                start = index
            }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func writeEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        default:
            output.append(contentsOf: "u00".utf8)
            output.append(contentsOf: (byte < 16 ? "0" : "1").utf8)
            output.append(contentsOf: String(byte % 16, radix: 16).utf8)
        }
    }

    /// Encoded with two spaces of indentation a level, for people.
    public func pretty() -> String {
        var output = ""
        writePretty(to: &output, indentation: "")
        return output
    }

    private func writePretty(to output: inout String, indentation: String) {
        let inner = indentation + "  "
        switch self {
        case .array(let array) where !array.isEmpty:
            output += "[\n"
            for (index, element) in array.enumerated() {
                output += inner
                element.writePretty(to: &output, indentation: inner)
                output += index == array.count - 1 ? "\n" : ",\n"
            }
            output += indentation + "]"
        case .object(let object) where !object.isEmpty:
            output += "{\n"
            for (index, (key, value)) in object.enumerated() {
                output += inner + JSON.string(key).text + ": "
                value.writePretty(to: &output, indentation: inner)
                output += index == object.count - 1 ? "\n" : ",\n"
            }
            output += indentation + "}"
        default: output += text
        }
    }
}
