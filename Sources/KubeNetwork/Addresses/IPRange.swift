/// A range of IP addresses in CIDR form.
public struct IPRange: Sendable, Hashable, CustomStringConvertible {
    /// The first address, its host bits zero.
    public let base: IPAddress
    /// The number of leading bits that all addresses share: 0 to 32, or to 128.
    public let prefixLength: Int

    public var family: AddressFamily { base.family }

    /// - Returns: nil unless the text is an address with `/n`, or a single address. Host bits are dropped.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]), parts.count <= 2 else { return nil }
        var length = address.family.bits
        if parts.count == 2 {
            guard let number = UInt8(parts[1]), number <= length, String(number) == parts[1] else { return nil }
            length = Int(number)
        }
        self.init(address, length)
    }

    /// The range of this length that an address is in.
    init(_ address: IPAddress, _ prefixLength: Int) {
        self.prefixLength = prefixLength
        base = Self.masked(address, prefixLength)
    }

    /// Whether an address, of whichever family, is in it.
    public func contains(_ address: IPAddress) -> Bool {
        address.family == family && Self.masked(address, prefixLength) == base
    }

    public func overlaps(_ other: IPRange) -> Bool {
        contains(other.base) || other.contains(base)
    }

    /// The address this many places after the first.
    public subscript(offset: UInt32) -> IPAddress {
        family == .v4
            ? IPAddress(number: UInt32(truncatingIfNeeded: base.low) &+ offset)
            : IPAddress(family: .v6, high: base.high, low: base.low &+ UInt64(offset))
    }

    public var description: String { "\(base)/\(prefixLength)" }

    private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? ~0 : ~0 << UInt64(64 - bits) }
        if address.family == .v4 {
            return IPAddress(family: .v4, high: 0, low: address.low & mask(length + 32))
        }
        return IPAddress(family: .v6, high: address.high & mask(length), low: address.low & mask(length - 64))
    }
}
