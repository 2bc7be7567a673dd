/// A set of the kernel's that policies' rules look addresses up in.
enum PolicySet: Sendable, Hashable {
    /// The addresses of the pods that a selector chooses.
    case peers(cluster: Int64, PeerSelector)
    /// The addresses of the pods that have a port of this name, each with that port's number.
    case ports(cluster: Int64, PolicyPod.PortName)

    var type: String {
        switch self {
        case .peers: "ipv4_addr"
        case .ports: "ipv4_addr . inet_service"
        }
    }
}

/// The rules of all policies that are for one pod, in one direction. Pods that have the same share the chain.
struct PolicyChain: Sendable, Hashable {
    enum Direction: String, Sendable, Hashable, CaseIterable {
        case incoming = "in"
        case outgoing = "out"

        /// The map from a pod's address to its chain.
        var map: String { "isolated_\(rawValue)" }
    }

    var direction: Direction
    /// Each lets something pass. What none does is dropped.
    var rules: [String]
}
