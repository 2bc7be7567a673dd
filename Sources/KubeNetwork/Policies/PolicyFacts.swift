import KubeObject

/// What of a NetworkPolicy matters to the rules.
/// Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
struct PolicyFacts: Sendable, Hashable {
    /// Who may be at the other end.
    enum Peer: Sendable, Hashable {
        case pods(PeerSelector)
        case block(IPRange, except: [IPRange])
        /// Whoever DNS says has these names; in allowlists.
        case names([DomainPattern])
    }

    struct Port: Sendable, Hashable {
        enum Number: Sendable, Hashable {
            case any
            case range(ClosedRange<UInt16>)
            /// The port that the pod at the receiving end calls so.
            case named(String)
        }
        var transport: TransportProtocol
        var number: Number
    }

    struct Rule: Sendable, Hashable {
        /// Nil for anybody.
        var peers: [Peer]?
        /// Nil for whatever protocol and port.
        var ports: [Port]?
    }

    /// The pods of the policy's own namespace that it is for.
    var pods: LabelSelector
    /// What may come in; nil when the policy says nothing about that.
    var ingress: [Rule]?
    /// What may go out; nil when the policy says nothing about that.
    var egress: [Rule]?

    init(_ policy: JSON) {
        let spec = policy["spec"] ?? [:]
        let namespace = policy[path: "metadata", "namespace"]?.string ?? ""
        pods = Self.selector(spec["podSelector"])
        let outgoing = spec["egress"]?.elements ?? []
        let types = spec["policyTypes"]?.strings ?? []
        if types.contains("Ingress") || types.isEmpty {
            ingress = (spec["ingress"]?.elements ?? []).map { Self.rule($0, "from", namespace) }
        }
        if types.contains("Egress") || (types.isEmpty && !outgoing.isEmpty) {
            egress = outgoing.map { Self.rule($0, "to", namespace) }
        }
    }

    private static func rule(_ tree: JSON, _ direction: String, _ namespace: String) -> Rule {
        let peers = tree[direction]?.elements ?? []
        let ports = tree["ports"]?.elements ?? []
        // What can't be read lets nobody in, but doesn't turn "these" into "anybody".
        return Rule(
            peers: peers.isEmpty ? nil : peers.compactMap { peer($0, namespace) },
            ports: ports.isEmpty ? nil : ports.compactMap(port))
    }

    private static func peer(_ tree: JSON, _ namespace: String) -> Peer? {
        if let block = tree["ipBlock"], !block.isNull {
            guard let range = block["cidr"]?.string.flatMap({ IPRange($0) }) else { return nil }
            return .block(range, except: (block["except"]?.strings ?? []).compactMap { IPRange($0) })
        }
        let namespaces = tree["namespaceSelector"].flatMap { $0.isNull ? nil : $0 }
        return .pods(
            PeerSelector(
                namespace: namespaces == nil ? namespace : "", namespaces: namespaces.map { selector($0) },
                pods: selector(tree["podSelector"])))
    }

    static func port(_ tree: JSON) -> Port? {
        guard let transport = TransportProtocol(api: tree["protocol"]?.string) else { return nil }
        guard let port = tree["port"], !port.isNull else { return Port(transport: transport, number: .any) }
        if let name = port.string { return Port(transport: transport, number: .named(name)) }
        guard let first = port.int.flatMap(UInt16.init(exactly:)) else { return nil }
        let last = tree["endPort"]?.int.flatMap(UInt16.init(exactly:)) ?? first
        return last < first ? nil : Port(transport: transport, number: .range(first...last))
    }

    /// One that isn't there selects everything, one that can't be read nothing.
    private static func selector(_ tree: JSON?) -> LabelSelector {
        guard let tree, !tree.isNull else { return LabelSelector() }
        do { return try LabelSelector(tree) } catch {
            var nothing = LabelSelector()
            nothing.matchesNothing = true
            return nothing
        }
    }
}

/// Pods of a cluster, chosen by their labels and by those of their namespaces.
struct PeerSelector: Sendable, Hashable {
    /// The only namespace that counts, when `namespaces` is nil.
    var namespace: String
    var namespaces: LabelSelector?
    var pods: LabelSelector

    func matches(namespace: String, labels namespaceLabels: [String: String], podLabels: [String: String]) -> Bool {
        if let namespaces {
            guard namespaces.matches(namespaceLabels) else { return false }
        } else if self.namespace != namespace {
            return false
        }
        return pods.matches(podLabels)
    }
}
