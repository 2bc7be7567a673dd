import KubeObject
import KubeStore

/// The addresses and node ports that services get, the same in every cluster.
public enum ServiceRange {
    public static let text = "10.96.0.0/12"
    /// Of the service `kubernetes`.
    public static let apiServer = "10.96.0.1"
    /// Of the service `kube-dns`.
    public static let dns = "10.96.0.10"
    public static let nodePorts: ClosedRange<Int64> = 30000...32767

    private static let standard = Block(first: 10 << 24 | 96 << 16, size: 1 << 20)
    /// The first addresses are left to services that ask for one.
    private static let reserved: UInt32 = 256

    /// A range of addresses; its first and its last are nobody's.
    private struct Block {
        var first: UInt32
        /// At least 4.
        var size: UInt32

        var usable: Range<UInt32> { first + 1..<first + (size - 1) }
    }

    /// Whether services may have an address, as the cluster is.
    static func contains(_ address: String, in snapshot: Snapshot) -> Bool {
        guard let number = IPv4.number(address) else { return false }
        return standard.usable.contains(number) || added(in: snapshot).contains { $0.usable.contains(number) }
    }

    /// A free address, by chance; when chance finds none, the first one; when there is none, one of the ranges that were added.
    static func freeAddress(in snapshot: Snapshot) -> String? {
        func isFree(_ address: String) -> Bool { snapshot.get(ServiceAllocation.addressKey(address)) == nil }
        for _ in 0..<64 {
            let address = IPv4.text(standard.first + UInt32.random(in: reserved...(standard.size - 2)))
            if isFree(address) { return address }
        }
        let blocks = [standard] + added(in: snapshot)
        return blocks.lazy.compactMap { block in block.usable.lazy.map(IPv4.text).first(where: isFree) }.first
    }

    /// The ranges of the ServiceCIDRs that are ready, but for the standard one.
    private static func added(in snapshot: Snapshot) -> [Block] {
        snapshot.list(prefix: Key.prefix(group: "networking.k8s.io", plural: "servicecidrs")).flatMap { range -> [Block] in
            let isReady = range.tree[path: "status", "conditions"]?.elements.contains {
                $0.text("type") == "Ready" && $0.text("status") == "True"
            }
            guard isReady == true, range.metadata.deletionTimestamp == nil else { return [] }
            return (range.tree[path: "spec", "cidrs"]?.strings ?? []).filter { $0 != text }.compactMap(block)
        }
    }

    private static func block(_ network: String) -> Block? {
        let parts = network.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let first = IPv4.number(parts[0]), let prefix = Int(parts[1]), (1...30).contains(prefix) else {
            return nil
        }
        return Block(first: first, size: 1 << UInt32(32 - prefix))
    }
}

/// IPv4 addresses as numbers.
enum IPv4 {
    /// Nil for what is no address in canonical form.
    static func number(_ text: String) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard !part.isEmpty, part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var value: UInt32 = 0
            for byte in part {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + UInt32(byte - 0x30)
            }
            guard value <= 255 else { return nil }
            number = number << 8 | value
        }
        return number
    }

    static func text(_ number: UInt32) -> String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}
