/// A family of IP addresses, and what of the kernel's rules goes by it.
public enum AddressFamily: String, Sendable, Hashable, CaseIterable, Comparable {
    case v4 = "IPv4"
    case v6 = "IPv6"

    /// The length of an address in bits.
    public var bits: Int { self == .v4 ? 32 : 128 }

    /// The word by which a rule reads a packet's addresses.
    var header: String { self == .v4 ? "ip" : "ip6" }
    /// The type of its addresses in sets and maps.
    var addressType: String { self == .v4 ? "ipv4_addr" : "ipv6_addr" }
    /// What the names of its sets, maps and chains end in.
    var suffix: String { self == .v4 ? "" : "6" }
    /// As `meta nfproto` has it.
    var protocolName: String { self == .v4 ? "ipv4" : "ipv6" }
    /// AF_INET or AF_INET6, as netlink has it.
    var number: UInt8 { self == .v4 ? 2 : 10 }

    public static func < (left: Self, right: Self) -> Bool { left == .v4 && right == .v6 }
}
