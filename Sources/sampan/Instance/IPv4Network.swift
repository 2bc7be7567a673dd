/// An IPv4 network in CIDR notation.
struct IPv4Network: Equatable {
    var address: UInt32
    var prefixLength: Int

    /// - Returns: nil unless `text` is `a.b.c.d/n` with no host bits set.
    init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let length = Int(halves[1]), (0...32).contains(length) else { return nil }
        let octets = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        let values = octets.compactMap { $0.allSatisfy(\.isNumber) ? UInt8($0) : nil }
        guard octets.count == 4, values.count == 4 else { return nil }
        address = values.reduce(0) { $0 << 8 | UInt32($1) }
        prefixLength = length
        guard address & ~Self.mask(length) == 0 else { return nil }
    }

    func overlaps(_ other: IPv4Network) -> Bool {
        let mask = Self.mask(min(prefixLength, other.prefixLength))
        return address & mask == other.address & mask
    }

    private static func mask(_ length: Int) -> UInt32 {
        length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length)
    }
}
