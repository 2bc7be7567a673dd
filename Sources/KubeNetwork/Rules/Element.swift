/// The sets and maps of an instance's table. Everything that changes while the server runs is an element of one of them.
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
    /// protocol . port of the host → the chain that picks an endpoint.
    case nodePorts = "node_ports"
    /// protocol . port of the host . slot → endpoint.
    case nodeEndpoints = "node_endpoints"
}

/// What stands for a cluster in packets: the mark.
struct ClusterMark: Sendable, Hashable, CustomStringConvertible {
    var number: UInt32
    var description: String { String(number) }
}

/// Where an endpoint listens.
struct EndpointAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    var address: IPv4Address
    var port: UInt16

    var description: String { "\(address) . \(port)" }
    static func < (left: Self, right: Self) -> Bool { (left.address, left.port) < (right.address, right.port) }
}

/// A chain that picks one of so many endpoints. It's the same for all services that have that many.
struct Balancer: Sendable, Hashable, Comparable {
    enum Table: Sendable, Hashable { case services, nodePorts }

    var count: Int
    /// Whether the client's address decides, instead of chance.
    var isSticky: Bool
    var table: Table

    var chain: String {
        (table == .nodePorts ? "node_" : "") + (isSticky ? "stick_" : "spread_") + String(count)
    }

    /// The chain's one rule.
    var rule: String {
        let slot = isSticky ? "jhash ip saddr" : "numgen random"
        let target = table == .nodePorts ? "to_node_endpoint" : "to_endpoint"
        return "meta priority set \(slot) mod \(count) goto \(target)"
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
    }

    struct Key: Sendable, Hashable {
        var set: RuleSet
        var text: String
    }

    var key: Key
    var value: Value

    init(_ set: RuleSet, _ text: String, _ value: Value = .none) {
        key = Key(set: set, text: text)
        self.value = value
    }

    /// As `nft` reads it within `{ }`.
    var text: String {
        switch value {
        case .none: key.text
        case .mark(let mark): "\(key.text) : \(mark)"
        case .endpoint(let endpoint): "\(key.text) : \(endpoint)"
        case .balancer(let balancer): "\(key.text) : goto \(balancer.chain)"
        }
    }
}
