/// A set of the kernel's that policies' rules look addresses up in.
enum PolicySet: Sendable, Hashable {
    /// The addresses of the pods that a selector chooses.
    case peers(cluster: Int64, PeerSelector, AddressFamily = .v4)
    /// The addresses of the pods that have a port of this name, each with that port's number.
    case ports(cluster: Int64, PolicyPod.PortName, AddressFamily = .v4)
    /// The addresses with which DNS has answered the cluster's questions for such names, each for as long as that counts.
    case answers(cluster: Int64, [DomainPattern], AddressFamily = .v4)

    /// Which addresses it can have.
    var family: AddressFamily {
        switch self {
        case .peers(_, _, let family), .ports(_, _, let family), .answers(_, _, let family): family
        }
    }

    var type: String {
        switch self {
        case .peers: family.addressType
        case .ports: "\(family.addressType) . inet_service"
        case .answers: "\(family.addressType); flags timeout"
        }
    }
}

/// The rules of all policies that are for one pod, in one direction. Pods that have the same share the chain.
struct PolicyChain: Sendable, Hashable {
    enum Direction: String, Sendable, Hashable, CaseIterable {
        case incoming = "in"
        case outgoing = "out"

        /// The map from a pod's address to its chain.
        var map: PodMap { self == .incoming ? .isolatedIn : .isolatedOut }
    }

    var direction: Direction
    /// Each lets something pass. What none does is dropped.
    var rules: [String]
}

/// A map of the kernel's from a pod's address to a chain that decides about its packets: one for every family of addresses.
enum PodMap: String, Sendable, Hashable, CaseIterable {
    case isolatedIn = "isolated_in"
    case isolatedOut = "isolated_out"
    /// Of two allowlists in each direction, both of which must let a packet pass.
    case allowedIn1 = "allowed_in_1"
    case allowedIn2 = "allowed_in_2"
    case allowedOut1 = "allowed_out_1"
    case allowedOut2 = "allowed_out_2"

    /// Its name in the kernel.
    func name(_ family: AddressFamily) -> String { rawValue + family.suffix }

    static let allowlists: [PodMap] = [.allowedIn1, .allowedIn2, .allowedOut1, .allowedOut2]

    /// - Parameter layer: 0 or 1.
    static func allowed(_ direction: PolicyChain.Direction, layer: Int) -> PodMap {
        switch direction {
        case .incoming: layer == 0 ? .allowedIn1 : .allowedIn2
        case .outgoing: layer == 0 ? .allowedOut1 : .allowedOut2
        }
    }
}
