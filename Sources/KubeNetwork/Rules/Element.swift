/// The sets and maps of an instance's table, each once for every family of addresses (but ``interfaces``). Everything that changes while the
/// server runs is an element of one of them.
enum RuleSet: String, Sendable, Hashable, CaseIterable {
    /// The host's ends of the pods' cables.
    case interfaces
    /// interface . source address → cluster. A packet that isn't in here hasn't come from the pod that it says.
    case pods
    /// cluster . pod address: who may be spoken to from within the cluster.
    case members
    /// pod address, twice: a pod that reached itself through a service.
    case hairpins
    /// cluster . service address . protocol . port → the chain that picks an endpoint.
    case services
    /// cluster . service address . protocol . port . slot → endpoint.
    case endpoints
    /// cluster . service address . protocol . port → the service port's own number, for services with session affinity.
    case stickyPorts = "sticky_ports"
    /// that number . slot → the endpoint's own number.
    case stickySlots = "sticky_slots"
    /// the service port's number . the endpoint's number → endpoint.
    case stickyEndpoints = "sticky_endpoints"
    /// protocol . port of the host → the chain that picks an endpoint.
    case nodePorts = "node_ports"
    /// protocol . port of the host . slot → endpoint.
    case nodeEndpoints = "node_endpoints"
    /// protocol . port of the host . slot → the endpoint's own number, for services with session affinity.
    case nodeStickySlots = "node_sticky_slots"
    /// protocol . port of the host . the endpoint's number → endpoint.
    case nodeStickyEndpoints = "node_sticky_endpoints"
    /// protocol . port of the host → the pod that has it, and its port.
    case hostPorts = "host_ports"
    /// address of the host . protocol . port → the same.
    case hostPortsAt = "host_ports_at"
}

extension RuleSet {
    /// The name in the kernel of the one that is for a family.
    func name(_ family: AddressFamily) -> String { rawValue + family.suffix }

    /// Pods to which somebody outside has connected by a port of the host: kept by the kernel, each as long as it remembers.
    static let visited = "visited"
}

/// What stands for a cluster in packets: the mark.
struct ClusterMark: Sendable, Hashable, CustomStringConvertible {
    var number: UInt32
    var description: String { String(number) }
}

/// Where an endpoint listens.
struct EndpointAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    var address: IPAddress
    var port: UInt16

    var description: String { "\(address) . \(port)" }
    static func < (left: Self, right: Self) -> Bool { (left.address, left.port) < (right.address, right.port) }
}

/// What stands for a port of a service with session affinity, and for one of its endpoints. Both have the highest bit, by which
/// they differ from clusters and slots.
struct StickyNumber: Sendable, Hashable, CustomStringConvertible {
    static let flag: UInt32 = 0x8000_0000
    let number: UInt32

    init(_ number: UInt32) { self.number = number | Self.flag }

    var description: String { String(number) }
    /// As a traffic class, in which form the kernel's packet priority is written.
    var priority: String { String(number >> 16, radix: 16) + ":" + String(number & 0xFFFF, radix: 16) }
}

/// A chain that picks one of so many endpoints. It's the same for all services that have that many.
struct Balancer: Sendable, Hashable, Comparable {
    enum Choice: Sendable, Hashable {
        case random
        /// Random for a client that wasn't here for so many seconds, the same as before for others.
        case sticky(seconds: UInt32)
    }
    enum Table: Sendable, Hashable { case services, nodePorts }

    var count: Int
    var choice: Choice
    var table: Table
    var family: AddressFamily = .v4

    var chain: String {
        let prefix = table == .nodePorts ? "node_" : ""
        switch choice {
        case .random: return "\(prefix)spread\(family.suffix)_\(count)"
        case .sticky(let seconds): return "\(prefix)stick\(family.suffix)_\(count)_\(seconds)"
        }
    }

    /// The commands that make the chain.
    func commands(_ name: TableName) -> String {
        let n = family.suffix
        let target = (table == .nodePorts ? "to_node_endpoint" : "to_endpoint") + n
        guard case .sticky(let seconds) = choice else {
            return Self.commands(name, chain, ["meta priority set numgen random mod \(count) goto \(target)"])
        }
        let memory = table == .nodePorts ? "node_clients\(n)" : "clients\(n)"
        // No mark is needed for ports of the host, nor may be set: these packets come from anywhere, and the port says whose they are.
        let port = table == .nodePorts ? "meta l4proto . th dport" : "meta mark"
        let slots = table == .nodePorts ? "node_sticky_slots\(n)" : "sticky_slots\(n)"
        let remember = "update @\(memory) { \(port) . \(client) timeout \(seconds)s : meta priority }"
        let end = clear + ["goto \(table == .nodePorts ? "to_sticky_node_endpoint" : "to_sticky_endpoint")\(n)"]
        let again = "\(chain)_again"
        var rules: [String] = []
        if table == .services {
            rules.append("meta mark set meta mark . \(family.header) daddr . meta l4proto . th dport map @sticky_ports\(n)")
        }
        // Comes back when the endpoint is gone.
        rules += note + ["meta priority set \(port) . \(client) map @\(memory) jump \(again)"]
        rules += ["meta priority set numgen random mod \(count)", "meta priority set \(port) . meta priority map @\(slots)"]
        return Self.commands(name, again, [remember] + end) + Self.commands(name, chain, rules + note + [remember] + end)
    }

    /// What stands for who a packet is from. nft 1.0.6 writes the value over the end of a key of more than 16 bytes when a rule adds an element;
    /// so of IPv6 it's a digest of the address, for which the connection's mark is borrowed. Who has the same as another goes where that one goes.
    private var client: String { family == .v4 ? "ip saddr" : "ct mark" }
    private var note: [String] { family == .v4 ? [] : ["ct mark set jhash ip6 saddr mod 4294967295 seed 0x73616d70"] }
    private var clear: [String] { family == .v4 ? [] : ["ct mark set 0"] }

    private static func commands(_ name: TableName, _ chain: String, _ rules: [String]) -> String {
        "add chain \(name) \(chain)\n" + rules.map { "add rule \(name) \(chain) \($0)\n" }.joined()
    }

    static func < (left: Balancer, right: Balancer) -> Bool { left.chain < right.chain }
}

/// One element of a set or map. Keys are made only from addresses, numbers and checked interface names, so that no object's
/// text reaches `nft`.
struct Element: Sendable, Hashable {
    enum Value: Sendable, Hashable {
        case none
        case mark(ClusterMark)
        case endpoint(EndpointAddress)
        case balancer(Balancer)
        case stickyPort(StickyNumber)
        case stickyEndpoint(StickyNumber)
        /// Connections are held until the service's cluster has woken.
        case hold
        /// Nobody answers, since all endpoints are elsewhere.
        case drop
        /// Nobody is there, but nobody else may be either: a service has the port by addresses of the other family.
        case nobody
    }

    struct Key: Sendable, Hashable {
        var set: RuleSet
        var family: AddressFamily = .v4
        var text: String
    }

    var key: Key
    var value: Value

    init(_ set: RuleSet, _ family: AddressFamily, _ text: String, _ value: Value = .none) {
        self.init(Key(set: set, family: family, text: text), value)
    }

    /// One of IPv4, or of no family.
    init(_ set: RuleSet, _ text: String, _ value: Value = .none) { self.init(set, .v4, text, value) }

    init(_ key: Key, _ value: Value) {
        self.key = key
        self.value = value
    }

    /// The port of the host that it gives to a service.
    var nodePort: Int64? {
        // protocol . port
        key.set == .nodePorts && key.family == .v4 ? key.text.split(separator: " . ").last.flatMap { Int64($0) } : nil
    }

    /// As `nft` reads it within `{ }`.
    var text: String {
        switch value {
        case .none: key.text
        case .mark(let mark): "\(key.text) : \(mark)"
        case .endpoint(let endpoint): "\(key.text) : \(endpoint)"
        case .balancer(let balancer): "\(key.text) : goto \(balancer.chain)"
        case .hold: "\(key.text) : goto hold"
        case .drop: "\(key.text) : drop"
        case .nobody: "\(key.text) : return"
        case .stickyPort(let number): "\(key.text) : \(number)"
        case .stickyEndpoint(let number): "\(key.text) : \(number.priority)"
        }
    }
}
