/// The addresses that names were answered with to a cluster's pods, for as long as the answers count. Bounded, whatever is answered. Pure.
struct LearnedAddresses: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Who asks for a name may use the answer this long, however short its time to live is: there are clients that keep it.
    static let shortest: Duration = .seconds(75)
    static let longest: Duration = .seconds(86_400)
    static let maximumOfName = 64
    static let maximum = 1_024

    private var names: [DNSName: [IPAddress: Instant]] = [:]
    private var count = 0

    /// Notes an answer. When there are too many, those that end first make way.
    ///
    /// - Parameters:
    ///   - name: what was asked for, in lower case.
    ///   - answer: addresses with their times to live, in seconds.
    /// - Returns: the addresses for which something is different now.
    mutating func note(_ name: DNSName, _ answer: [IPAddress: UInt32], now: Instant) -> Set<IPAddress> {
        var touched: Set<IPAddress> = []
        for (address, seconds) in answer.sorted(by: { $0.key < $1.key }).prefix(Self.maximumOfName) {
            let end = now + min(max(.seconds(Int64(seconds)), Self.shortest), Self.longest)
            guard names[name]?[address] ?? now < end else { continue }
            if names[name, default: [:]].updateValue(end, forKey: address) == nil { count += 1 }
            touched.insert(address)
        }
        while let known = names[name], known.count > Self.maximumOfName, let first = known.min(by: { $0.value < $1.value })?.key {
            remove(first, of: name)
            touched.insert(first)
        }
        guard count > Self.maximum else { return touched }
        touched.formUnion(drop { $1 <= now })
        // In bulk, so that this is rare; what somebody is about to be told stays.
        let ends = names.values.flatMap(\.values).sorted()
        if count > Self.maximum { touched.formUnion(drop { $0 != name && $1 <= ends[ends.count - Self.maximum * 3 / 4] }) }
        return touched
    }

    private mutating func remove(_ address: IPAddress, of name: DNSName) {
        if names[name]?.removeValue(forKey: address) != nil { count -= 1 }
        if names[name]?.isEmpty == true { names[name] = nil }
    }

    private mutating func drop(_ isOver: (DNSName, Instant) -> Bool) -> Set<IPAddress> {
        var dropped: Set<IPAddress> = []
        for (name, addresses) in names {
            for (address, end) in addresses where isOver(name, end) {
                remove(address, of: name)
                dropped.insert(address)
            }
        }
        return dropped
    }

    /// Until when an address counts as one of names that match.
    func end(of address: IPAddress, _ patterns: [DomainPattern], now: Instant) -> Instant? {
        names.lazy.filter { name, _ in patterns.contains { $0.matches(name) } }.compactMap { $0.value[address] }.max()
            .flatMap { $0 > now ? $0 : nil }
    }

    /// All addresses of names that match, and until when.
    func all(_ patterns: [DomainPattern], now: Instant) -> [IPAddress: Instant] {
        var all: [IPAddress: Instant] = [:]
        for (name, addresses) in names where patterns.contains(where: { $0.matches(name) }) {
            all.merge(addresses.filter { $0.value > now }) { max($0, $1) }
        }
        return all
    }
}
