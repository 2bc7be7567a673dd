/// An IPv4 address. Text is taken only in the strict form of four decimal numbers, so that nothing else can reach a rule.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The address as a number, first octet highest.
    public var number: UInt32

    public init(number: UInt32) {
        self.number = number
    }

    /// - Returns: nil unless the text is exactly `a.b.c.d` with numbers up to 255 and no leading zeros.
    public init?(_ text: some StringProtocol) {
        var number: UInt32 = 0
        var octet: UInt32?
        var dots = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = UInt32(byte - UInt8(ascii: "0"))
                if let before = octet {
                    guard before != 0, before * 10 + digit <= 255 else { return nil }
                    octet = before * 10 + digit
                } else {
                    octet = digit
                }
            case UInt8(ascii: "."):
                guard let done = octet, dots < 3 else { return nil }
                number = number << 8 | done
                dots += 1
                octet = nil
            default:
                return nil
            }
        }
        guard let last = octet, dots == 3 else { return nil }
        self.number = number << 8 | last
    }

    /// - Returns: nil unless there are four.
    init?(octets: [UInt8]) {
        guard octets.count == 4 else { return nil }
        number = octets.reduce(0) { $0 << 8 | UInt32($1) }
    }

    public var octets: [UInt8] {
        [UInt8(number >> 24), UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
    }

    public var description: String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.number < right.number }
}
