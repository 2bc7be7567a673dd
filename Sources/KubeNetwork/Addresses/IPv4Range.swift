/// A range of IPv4 addresses in CIDR form.
public struct IPv4Range: Sendable, Hashable, CustomStringConvertible {
    /// The first address, its host bits zero.
    public let base: IPv4Address
    /// The number of leading bits that all addresses share, 0 to 32.
    public let prefixLength: Int

    /// - Returns: nil unless the text is `a.b.c.d/n`, or a single address. Host bits are dropped.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = IPv4Address(parts[0]), parts.count <= 2 else { return nil }
        var length = 32
        if parts.count == 2 {
            guard let number = UInt8(parts[1]), number <= 32, String(number) == parts[1] else { return nil }
            length = Int(number)
        }
        prefixLength = length
        base = IPv4Address(number: address.number & IPv4Range.mask(length))
    }

    public func contains(_ address: IPv4Address) -> Bool {
        address.number & IPv4Range.mask(prefixLength) == base.number
    }

    public func overlaps(_ other: IPv4Range) -> Bool {
        contains(other.base) || other.contains(base)
    }

    /// The address this many places after the first.
    public subscript(offset: UInt32) -> IPv4Address { IPv4Address(number: base.number &+ offset) }

    public var description: String { "\(base)/\(prefixLength)" }

    private static func mask(_ length: Int) -> UInt32 {
        length == 0 ? 0 : ~0 << UInt32(32 - length)
    }
}
