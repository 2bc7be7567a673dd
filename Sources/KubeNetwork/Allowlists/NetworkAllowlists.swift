public import KubeObject

/// Where the pods of a cluster may go outside, and who outside may come to what the cluster exposes, as somebody above the cluster says it.
/// Several may say something; a packet passes when all of them let it.
public struct NetworkAllowlists: Sendable, Hashable {
    /// What one of them says.
    struct Layer: Sendable, Hashable {
        /// Who it is, for people.
        var owner: String
        /// Nil when it says nothing about this direction.
        var ingress: [PolicyFacts.Rule]?
        var egress: [PolicyFacts.Rule]?

        func rules(_ direction: PolicyChain.Direction) -> [PolicyFacts.Rule]? { direction == .incoming ? ingress : egress }
    }

    /// The kernel's table has maps for so many.
    static let maximumLayers = 2

    let layers: [Layer]

    /// Nothing is said.
    public init() { layers = [] }

    /// - Parameter lists: who says it, and what: `{ingress, egress}`, lists of `{cidrs, names, ports}`. At most two count.
    public init(_ lists: [(owner: String, network: JSON)]) {
        layers = lists.prefix(Self.maximumLayers).compactMap { owner, network in
            let layer = Layer(owner: owner, ingress: Self.rules(network["ingress"]), egress: Self.rules(network["egress"]))
            return layer.ingress == nil && layer.egress == nil ? nil : layer
        }
    }

    private static func rules(_ list: JSON?) -> [PolicyFacts.Rule]? {
        guard let list, !list.isNull else { return nil }
        return list.elements.map { entry in
            let ranges = (entry["cidrs"]?.strings ?? []).compactMap { IPRange($0) }
            let names = (entry["names"]?.strings ?? []).compactMap { DomainPattern($0) }
            let ports = entry["ports"]?.elements ?? []
            // What can't be read opens nothing.
            return PolicyFacts.Rule(
                peers: ranges.map { .block($0, except: []) } + (names.isEmpty ? [] : [.names(names)]),
                ports: ports.isEmpty ? nil : ports.compactMap(PolicyFacts.port))
        }
    }

    /// Whether somebody outside may connect to a port of the host that leads to the cluster.
    func admits(_ source: IPAddress, toPort port: UInt16) -> Bool {
        layers.allSatisfy { $0.ingress?.contains { Self.lets($0, source, port) } ?? true }
    }

    /// Whether the cluster's pods may connect to an address outside. For what this server opens for them.
    ///
    /// - Parameter name: by which this server has found the address; an entry for the name lets it pass too.
    public func letsOut(to address: IPAddress, port: UInt16, name: String) -> Bool {
        letsOut(to: address, port: port, name: name, .tcp)
    }

    func letsOut(to address: IPAddress, port: UInt16, name: String, _ transport: TransportProtocol) -> Bool {
        let name = DNSName(name)?.canonical
        return layers.allSatisfy { $0.egress?.contains { Self.lets($0, address, port, name, transport) } ?? true }
    }

    /// The names of which DNS is to tell.
    var patterns: Set<DomainPattern> {
        let peers = layers.flatMap { $0.egress ?? [] }.flatMap { $0.peers ?? [] }
        return Set(peers.flatMap { if case .names(let patterns) = $0 { patterns } else { [] as [DomainPattern] } })
    }

    private static func lets(
        _ rule: PolicyFacts.Rule, _ other: IPAddress, _ port: UInt16, _ name: DNSName? = nil,
        _ transport: TransportProtocol = .tcp
    )
        -> Bool
    {
        let isMeant = rule.peers?.contains { peer in
            switch peer {
            case .block(let range, _): range.contains(other)
            case .names(let patterns): name.map { name in patterns.contains { $0.matches(name) } } ?? false
            case .pods: false
            }
        }
        let isOpen = rule.ports?.contains { entry in
            guard entry.transport == transport else { return false }
            switch entry.number {
            case .any: return true
            case .range(let range): return range.contains(port)
            case .named: return false
            }
        }
        return (isMeant ?? true) && (isOpen ?? true)
    }
}
