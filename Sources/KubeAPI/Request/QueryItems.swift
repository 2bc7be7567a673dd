/// A query string, parsed as HTML forms are: `a=b&c=d`, `+` for a space, percent escapes.
public struct QueryItems: Sendable {
    /// In the order they came.
    public let items: [(name: String, value: String)]

    /// Items that aren't well-formed are kept with their raw text, as far as they go.
    public init(_ text: String) {
        self.items = text.utf8.split(separator: UInt8(ascii: "&")).map { item in
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map(
                Substring.init)
            return (
                PercentCoding.decode(parts[0], plusIsSpace: true),
                parts.count > 1 ? PercentCoding.decode(parts[1], plusIsSpace: true) : ""
            )
        }
    }

    /// The first value of a name.
    public subscript(name: String) -> String? {
        self.items.first { $0.name == name }?.value
    }

    /// All values of a name, in order.
    public func all(_ name: String) -> [String] {
        self.items.filter { $0.name == name }.map(\.value)
    }

    /// A boolean, in upstream's reading: absent, empty, `0` and `false` (in any case) are false, everything else is true.
    public func flag(_ name: String) -> Bool {
        guard let value = self[name] else { return false }
        return !(value == "0" || value.lowercased() == "false")
    }
}

enum PercentCoding {
    /// Decodes percent escapes; an escape that isn't one stays as it is.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
            return String(text)
        }
        let source = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(source.count)
        var index = 0
        while index < source.count {
            let byte = source[index]
            if byte == UInt8(ascii: "%"), index + 2 < source.count, let high = self.hex(source[index + 1]),
                let low = self.hex(source[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
