/// A port of the machine that leads to a pod (`hostPort`).
public struct HostPort: Sendable, Hashable {
    /// The address of the machine's that it is on; empty for all of them.
    public var address: String
    /// `TCP`, `UDP` or `SCTP`.
    public var transport: String
    public var number: UInt16
    /// The port that the pod listens on.
    public var target: UInt16

    public init(address: String = "", transport: String = "TCP", number: UInt16, target: UInt16) {
        self.address = address
        self.transport = transport
        self.number = number
        self.target = target
    }
}

/// A pod's place in the pod network.
public struct AttachedPod: Sendable, Hashable {
    public var pod: PodAddress
    /// The pod's addresses, IPv4 first; the same for the host's network.
    public var ips: [String]
    /// The interface on the host's side; empty where unknown.
    public var hostInterface: String
    /// Whether the pod uses the host's network, and so has no address of its own.
    public var usesHostNetwork: Bool
    /// The machine's ports that are to lead to it.
    public var hostPorts: [HostPort]

    public init(
        pod: PodAddress, ips: [String], hostInterface: String = "", usesHostNetwork: Bool = false, hostPorts: [HostPort] = []
    ) {
        self.pod = pod
        self.ips = ips
        self.hostInterface = hostInterface
        self.usesHostNetwork = usesHostNetwork
        self.hostPorts = hostPorts
    }
}

/// Told by the runtime about pods coming into the pod network and leaving it. Implemented by KubeNetwork.
public protocol PodNetworkObserver: Sendable {
    /// Called when the pod's sandbox has its address and before its first container starts; the pod waits for the return.
    /// - Throws: when the network can't let the pod in; the runtime tries again later.
    func podAttached(_ pod: AttachedPod) async throws
    /// Called when the pod's sandbox is gone.
    func podDetached(_ pod: AttachedPod) async
}
