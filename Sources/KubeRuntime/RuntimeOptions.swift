public import KubeObject
public import KubeStore

/// How the node presents itself.
public struct RuntimeOptions: Sendable {
    /// The name of a cluster's first node; the machine's hostname if nil.
    public var nodeName: String?
    public var maximumPods: Int
    /// The address at which pods find their cluster's DNS.
    public var dnsAddress: String
    /// How many processes and threads a pod may have (kubelet's `podPidsLimit`); nil for as many as there may be.
    public var podPidsLimit: Int64?
    /// The resolvers of pods that have the machine's (`dnsPolicy: Default`), as a file of resolv.conf(5).
    public var resolverFile: String

    /// When pods have to go.
    public var eviction: EvictionSettings
    /// What isn't for pods.
    public var reservation: NodeReservation

    public init(
        nodeName: String? = nil, maximumPods: Int = 110, dnsAddress: String = "10.96.0.10", podPidsLimit: Int64? = nil,
        resolverFile: String = "/etc/resolv.conf", eviction: EvictionSettings = EvictionSettings(),
        reservation: NodeReservation = NodeReservation()
    ) {
        self.eviction = eviction
        self.reservation = reservation
        self.podPidsLimit = podPidsLimit
        self.resolverFile = resolverFile
        self.nodeName = nodeName
        self.maximumPods = maximumPods
        self.dnsAddress = dnsAddress
    }
}

/// Why a node doesn't take a pod.
public struct PodRejection: Sendable, Equatable {
    public var reason: String
    public var message: String

    public init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }
}

/// Looks at a pod before it is begun, in the cluster as it is; nil lets it in. One is asked about after the other, in the order in which
/// they came; `isAdmitted` tells of the pods (by uid) that were let in before, and `resized` gives a pod as it was when it was let have its last
/// resize. Neither may be in the cluster's state yet.
public typealias PodAdmission =
    @Sendable (
        _ pod: Object, _ snapshot: Snapshot, _ isAdmitted: (String) -> Bool, _ resized: (String) -> JSON?
    ) -> PodRejection?
