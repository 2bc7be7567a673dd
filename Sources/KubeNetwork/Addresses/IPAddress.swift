/// An IP address of either family. Text is taken only in strict forms, so that nothing else can reach a rule.
public struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let family: AddressFamily
    /// The upper half of an IPv6 address; zero for IPv4.
    let high: UInt64
    /// The lower half of an IPv6 address, or an IPv4 address as a number, first octet highest.
    let low: UInt64

    init(family: AddressFamily, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// The IPv4 address that is this number, first octet highest.
    public init(number: UInt32) { self.init(family: .v4, high: 0, low: UInt64(number)) }

    /// - Returns: nil unless the text is exactly `a.b.c.d` with numbers up to 255 and no leading zeros, or an IPv6 address in hexadecimal
    ///   (RFC 4291, 2.2.1 and 2.2.2), without a zone. IPv6 addresses that are IPv4 ones in disguise (`::ffff:0:0/96`) are none.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let six = Self.six(text) else { return nil }
            self = six
        } else {
            guard let number = Self.four(text) else { return nil }
            self.init(number: number)
        }
    }

    private static func four(_ text: some StringProtocol) -> UInt32? {
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
        return number << 8 | last
    }

    private static func six(_ text: some StringProtocol) -> IPAddress? {
        guard text.utf8.count <= 39 else { return nil }
        var groups: [UInt16] = []
        /// How many groups there are before `::`.
        var gap: Int?
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // `::` once: in between it makes one empty part, at either end two.
                let isEdge = index == 0 || index == parts.count - 1
                if isEdge {
                    let next = index == 0 ? 1 : index - 1
                    guard parts.indices.contains(next), parts[next].isEmpty else { return nil }
                    continue
                }
                guard gap == nil else { return nil }
                gap = groups.count
                continue
            }
            guard part.count <= 4 else { return nil }
            var number: UInt16 = 0
            for byte in part {
                guard let digit = hexadecimal(byte) else { return nil }
                number = number << 4 | UInt16(digit)
            }
            groups.append(number)
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return IPAddress(octets: groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// - Returns: nil unless there are four or sixteen, and for an IPv4 address in disguise.
    init?(octets: some Sequence<UInt8>) {
        let octets = Array(octets)
        switch octets.count {
        case 4: self.init(number: octets.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = octets[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = octets[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard high != 0 || low >> 32 != 0xFFFF else { return nil }
            self.init(family: .v6, high: high, low: low)
        default: return nil
        }
    }

    /// Four or sixteen.
    public var octets: [UInt8] {
        func bytes(_ number: UInt64) -> [UInt8] { stride(from: 56, through: 0, by: -8).map { UInt8(number >> UInt64($0) & 255) } }
        return family == .v4 ? Array(bytes(low).suffix(4)) : bytes(high) + bytes(low)
    }

    /// A number in which all of its bits have a part.
    var digest: UInt32 {
        family == .v4
            ? UInt32(low) : [high >> 32, high, low >> 32, low].reduce(0) { ($0 &* 0x0100_0193) ^ UInt32(truncatingIfNeeded: $1) }
    }

    /// Whether it is the machine itself to whoever uses it (`127.0.0.0/8`, `::1`).
    public var isLoopback: Bool { family == .v4 ? low >> 24 == 127 : high == 0 && low == 1 }

    /// Whether it is no address but stands for any (`0.0.0.0`, `::`).
    var isUnspecified: Bool { high == 0 && low == 0 }

    /// In the form that everybody writes (RFC 5952).
    public var description: String {
        if family == .v4 { return octets.map { String($0) }.joined(separator: ".") }
        let bytes = octets
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The first of the longest runs of zeros, if it's longer than one.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end + 1
        }
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        return best.isEmpty ? text(groups[...]) : text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }

    /// IPv4 first.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        (left.family, left.high, left.low) < (right.family, right.high, right.low)
    }
}
