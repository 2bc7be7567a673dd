/// What allowlists say to a packet between a cluster's pods and the world outside.
enum AllowlistVerdict: Sendable, Hashable {
    /// There is none in this direction.
    case free
    /// All let it pass: whose each is, and by which entry.
    case allowed([Entry])
    /// This one has no entry for it.
    case denied(by: String)

    struct Entry: Sendable, Hashable {
        var owner: String
        var rule: Int
    }
}

/// The allowlists of all clusters that have pods here, and their pods, turned into chains of the kernel's. Pure, like ``PolicyModel``: a pod
/// that comes costs an element in each direction and layer; a list that changes, a chain and its cluster's pods' elements.
struct AllowlistModel: Sendable {
    fileprivate struct Cluster: Sendable {
        var lists: NetworkAllowlists
        var pods: Set<IPAddress> = []
        var lines: [PodMap: [PolicyLine]] = [:]
        var chains: [PodMap: [AddressFamily: PolicyChain]] = [:]
        /// Of names.
        var sets: [PolicySet] = []
        var learned = LearnedAddresses()
    }

    private var ruleset = PolicyRuleset(.allowlist)
    private var clusters: [Int64: Cluster] = [:]
    private let host: PolicyCompiler.HostServices
    /// The addresses of sets of names for which the kernel is to have something else.
    private var touched: [PolicySet: Set<IPAddress>] = [:]

    typealias Instant = ContinuousClock.Instant

    init(host: PolicyCompiler.HostServices) { self.host = host }

    func knows(_ cluster: Int64) -> Bool { clusters[cluster] != nil }

    /// Sets what is said of a cluster. One that isn't known yet is from now on.
    mutating func set(_ lists: NetworkAllowlists, of id: Int64, now: Instant = .now) {
        guard clusters[id]?.lists != lists else { return }
        let before = clusters[id]
        var cluster = Cluster(lists: lists, pods: before?.pods ?? [], learned: before?.learned ?? LearnedAddresses())
        // Moved, not copied: the compiler asks for the sets that it needs.
        var ruleset = PolicyRuleset(.allowlist)
        swap(&ruleset, &self.ruleset)
        var used: [PolicySet] = []
        let compiler = AllowlistCompiler(
            compiler: PolicyCompiler(cluster: id, host: host) { set in
                used.append(set)
                return ruleset.use(set, elements: [])
            })
        for (number, layer) in lists.layers.enumerated() {
            for direction in PolicyChain.Direction.allCases {
                guard let rules = layer.rules(direction) else { continue }
                let map = PodMap.allowed(direction, layer: number)
                let lines = compiler.lines(rules, direction)
                cluster.lines[map] = lines
                for family in host.families {
                    cluster.chains[map, default: [:]][family] = AllowlistCompiler.chain(lines, direction, family)
                }
            }
        }
        swap(&ruleset, &self.ruleset)
        cluster.sets = used
        clusters[id] = cluster
        // What was learned under the former list counts for names that are still, or are now, in one.
        for case .answers(_, let patterns, let family) in used {
            let addresses = cluster.learned.all(patterns, now: now).keys.filter { $0.family == family }
            touched[.answers(cluster: id, patterns, family), default: []].formUnion(addresses)
        }
        for address in cluster.pods { bind(address, cluster) }
        for set in before?.sets ?? [] { self.ruleset.release(set) }
    }

    /// Notes with what DNS has answered a question of a cluster's pod.
    ///
    /// - Parameters:
    ///   - name: in lower case.
    ///   - answer: with the times to live, in seconds.
    mutating func learn(_ name: DNSName, _ answer: [IPAddress: UInt32], in id: Int64, now: Instant = .now) {
        guard let changed = clusters[id]?.learned.note(name, answer, now: now), !changed.isEmpty else { return }
        for set in clusters[id]?.sets ?? [] {
            touched[set, default: []].formUnion(changed.lazy.filter { $0.family == set.family })
        }
    }

    private mutating func bind(_ address: IPAddress, _ cluster: Cluster?) {
        for map in PodMap.allowlists { ruleset.set(cluster?.chains[map]?[address.family], for: address, in: map) }
    }

    /// Has a pod of a known cluster go through its lists.
    mutating func attach(_ address: IPAddress, to id: Int64) {
        clusters[id]?.pods.insert(address)
        bind(address, clusters[id])
    }

    /// Nobody has the address any more. A cluster without pods is forgotten.
    mutating func detach(_ address: IPAddress, from id: Int64) {
        guard clusters[id]?.pods.remove(address) != nil else { return }
        bind(address, nil)
        guard let cluster = clusters[id], cluster.pods.isEmpty else { return }
        clusters[id] = nil
        for set in cluster.sets { ruleset.release(set) }
    }

    /// What is said to a packet that a pod of a cluster sends out, or is sent from outside.
    func verdict(_ direction: PolicyChain.Direction, on packet: PolicyLine.Packet, in id: Int64, now: Instant = .now)
        -> AllowlistVerdict
    {
        guard let cluster = clusters[id] else { return .free }
        var passed: [AllowlistVerdict.Entry] = []
        for (number, layer) in cluster.lists.layers.enumerated() {
            let map = PodMap.allowed(direction, layer: number)
            guard let lines = cluster.lines[map] else { continue }
            let isWhole = cluster.chains[map]?[packet.destination.family]?.rules.isEmpty == false
            guard isWhole,
                let line = lines.first(where: { $0.lets(packet) { set, text in cluster.has(text, in: set, now: now) } })
            else {
                return .denied(by: layer.owner)
            }
            passed.append(.init(owner: layer.owner, rule: line.index))
        }
        return passed.isEmpty ? .free : .allowed(passed)
    }

    mutating func takeChanges(table: TableName, now: Instant = .now) -> String {
        var text = ruleset.takeChanges(table: table)
        for (set, addresses) in touched {
            guard case .answers(let id, let patterns, _) = set, let name = ruleset.name(of: set), let cluster = clusters[id]
            else {
                continue
            }
            for address in addresses.sorted() {
                let end = cluster.learned.end(of: address, patterns, now: now)
                text += Self.renewal(of: address, end.map { now.duration(to: $0) }, "\(table) \(name)")
            }
        }
        touched = [:]
        return text
    }

    mutating func everything(table: TableName, now: Instant = .now) -> String {
        touched = [:]
        var text = ruleset.everything(table: table)
        for (_, cluster) in clusters {
            for set in Set(cluster.sets) {
                guard case .answers(_, let patterns, let family) = set, let name = ruleset.name(of: set) else { continue }
                for (address, end) in cluster.learned.all(patterns, now: now).sorted(by: { $0.key < $1.key })
                where address.family == family {
                    text += Self.addition(of: address, now.duration(to: end), "\(table) \(name)")
                }
            }
        }
        return text
    }

    /// An element's time isn't changed by adding it again, and one that is over by now can't be removed: so it is added, removed, and added,
    /// which works whatever there is, and no packet sees it gone.
    private static func renewal(of address: IPAddress, _ left: Duration?, _ set: String) -> String {
        addition(of: address, .seconds(60), set) + "delete element \(set) { \(address) }\n"
            + (left.map { addition(of: address, $0, set) } ?? "")
    }

    private static func addition(of address: IPAddress, _ left: Duration, _ set: String) -> String {
        "add element \(set) { \(address) timeout \(max(left.components.seconds, 1))s }\n"
    }
}

extension AllowlistModel.Cluster {
    /// Whether a set of names has an address now.
    fileprivate func has(_ text: String, in set: PolicySet, now: AllowlistModel.Instant) -> Bool {
        guard case .answers(_, let patterns, _) = set, let address = IPAddress(text) else { return false }
        return learned.end(of: address, patterns, now: now) != nil
    }
}
