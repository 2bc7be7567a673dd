import KubeObject
import KubeSchema
import KubeStore

/// The addresses and node ports that services get, the same in every cluster.
public enum ServiceRange {
    public static let text = "10.96.0.0/12"
    /// Of the service `kubernetes`.
    public static let apiServer = "10.96.0.1"
    /// Of the service `kube-dns`.
    public static let dns = "10.96.0.10"
    public static let nodePorts: ClosedRange<Int64> = 30000...32767

    /// Of IPv6, where services have such addresses.
    public static let textSix = "fd00:10:96::/112"

    static let four = Family(text: text, isSix: false)
    static let six = Family(text: textSix, isSix: true)

    /// The addresses of one family.
    struct Family: Sendable {
        let text: String
        let isSix: Bool
        private let standard: Block

        /// The first addresses are left to services that ask for one.
        private static let reserved: UInt64 = 256

        /// - Parameter text: a network with more than 512 addresses.
        init(text: String, isSix: Bool) {
            self.text = text
            self.isSix = isSix
            standard = Block(text) ?? Block(prefix: [], first: 0, size: 4)
        }

        /// Whether services may have an address, as the cluster is.
        func contains(_ address: String, in snapshot: Snapshot) -> Bool {
            guard let address = CELIP(address), address.isV4 != isSix else { return false }
            return standard.contains(address) || added(in: snapshot).contains { $0.contains(address) }
        }

        /// A free address, by chance; when chance finds none, the first one; when there is none, one of the ranges that were added.
        func freeAddress(in snapshot: Snapshot) -> String? {
            func isFree(_ address: String) -> Bool { snapshot.get(ServiceAllocation.addressKey(address)) == nil }
            for _ in 0..<64 {
                let address = standard.text(standard.first + UInt64.random(in: Self.reserved...(standard.size - 2)))
                if isFree(address) { return address }
            }
            let blocks = [standard] + added(in: snapshot)
            return blocks.lazy.compactMap { block in block.usable.lazy.map(block.text).first(where: isFree) }.first
        }

        /// The ranges of the ServiceCIDRs that are ready, but for the standard ones.
        private func added(in snapshot: Snapshot) -> [Block] {
            snapshot.list(prefix: Key.prefix(group: "networking.k8s.io", plural: "servicecidrs")).flatMap { range -> [Block] in
                let isReady = range.tree[path: "status", "conditions"]?.elements.contains {
                    $0.text("type") == "Ready" && $0.text("status") == "True"
                }
                guard isReady == true, range.metadata.deletionTimestamp == nil else { return [] }
                return (range.tree[path: "spec", "cidrs"]?.strings ?? [])
                    .filter { $0 != ServiceRange.text && $0 != ServiceRange.textSix }.compactMap { Block($0) }
                    .filter { $0.prefix.isEmpty != isSix }
            }
        }
    }

    /// A range of addresses; its first and its last are nobody's.
    private struct Block {
        /// The octets before the last eight, of an address of IPv6.
        var prefix: [UInt8]
        var first: UInt64
        /// At least 4.
        var size: UInt64

        var usable: Range<UInt64> { first + 1..<first + (size - 1) }

        init(prefix: [UInt8], first: UInt64, size: UInt64) {
            self.prefix = prefix
            self.first = first
            self.size = size
        }

        /// - Returns: nil for what is no network, or is too small. Of a bigger one than 2^60 addresses only so many count.
        init?(_ network: String) {
            guard let (address, length) = CELIP.cidr(network) else { return nil }
            let bits = address.isV4 ? 32 : 128
            guard (1...bits - 2).contains(length) else { return nil }
            let octets = address.masked(length).octets
            self.init(
                prefix: Array(octets.dropLast(8)), first: Self.number(octets), size: 1 << UInt64(min(bits - length, 60)))
        }

        private static func number(_ octets: [UInt8]) -> UInt64 { octets.suffix(8).reduce(0) { $0 << 8 | UInt64($1) } }

        func contains(_ address: CELIP) -> Bool {
            Array(address.octets.dropLast(8)) == prefix && address.isV4 == prefix.isEmpty
                && usable.contains(Self.number(address.octets))
        }

        func text(_ number: UInt64) -> String {
            let octets = stride(from: 56, through: 0, by: -8).map { UInt8(number >> UInt64($0) & 255) }
            return CELIP(octets: prefix.isEmpty ? Array(octets.suffix(4)) : prefix + octets).text
        }
    }
}
