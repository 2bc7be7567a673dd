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
    private struct Cluster: Sendable {
        var lists: NetworkAllowlists
        var pods: Set<IPv4Address> = []
        var lines: [PodMap: [PolicyLine]] = [:]
        var chains: [PodMap: PolicyChain] = [:]
    }

    private var ruleset = PolicyRuleset(.allowlist)
    private var clusters: [Int64: Cluster] = [:]
    private let host: PolicyCompiler.HostServices

    init(host: PolicyCompiler.HostServices) { self.host = host }

    func knows(_ cluster: Int64) -> Bool { clusters[cluster] != nil }

    /// Sets what is said of a cluster. One that isn't known yet is from now on.
    mutating func set(_ lists: NetworkAllowlists, of id: Int64) {
        guard clusters[id]?.lists != lists else { return }
        var cluster = Cluster(lists: lists, pods: clusters[id]?.pods ?? [])
        let compiler = AllowlistCompiler(compiler: PolicyCompiler(cluster: id, host: host) { _ in "" })
        for (number, layer) in lists.layers.enumerated() {
            for direction in PolicyChain.Direction.allCases {
                guard let rules = layer.rules(direction) else { continue }
                let map = PodMap.allowed(direction, layer: number)
                let lines = compiler.lines(rules, direction)
                cluster.lines[map] = lines
                cluster.chains[map] = AllowlistCompiler.chain(lines, direction)
            }
        }
        clusters[id] = cluster
        for address in cluster.pods { bind(address, cluster) }
    }

    private mutating func bind(_ address: IPv4Address, _ cluster: Cluster?) {
        for map in PodMap.allowlists { ruleset.set(cluster?.chains[map], for: address, in: map) }
    }

    /// Has a pod of a known cluster go through its lists.
    mutating func attach(_ address: IPv4Address, to id: Int64) {
        clusters[id]?.pods.insert(address)
        bind(address, clusters[id])
    }

    /// Nobody has the address any more. A cluster without pods is forgotten.
    mutating func detach(_ address: IPv4Address, from id: Int64) {
        guard clusters[id]?.pods.remove(address) != nil else { return }
        bind(address, nil)
        if clusters[id]?.pods.isEmpty == true { clusters[id] = nil }
    }

    /// What is said to a packet that a pod of a cluster sends out, or is sent from outside.
    func verdict(_ direction: PolicyChain.Direction, on packet: PolicyLine.Packet, in id: Int64) -> AllowlistVerdict {
        guard let cluster = clusters[id] else { return .free }
        var passed: [AllowlistVerdict.Entry] = []
        for (number, layer) in cluster.lists.layers.enumerated() {
            let map = PodMap.allowed(direction, layer: number)
            guard let lines = cluster.lines[map] else { continue }
            let isWhole = cluster.chains[map]?.rules.isEmpty == false
            guard isWhole, let line = lines.first(where: { $0.lets(packet) { ruleset.contains($1, in: $0) } }) else {
                return .denied(by: layer.owner)
            }
            passed.append(.init(owner: layer.owner, rule: line.index))
        }
        return passed.isEmpty ? .free : .allowed(passed)
    }

    mutating func takeChanges(table: TableName) -> String { ruleset.takeChanges(table: table) }
    mutating func everything(table: TableName) -> String { ruleset.everything(table: table) }
}
