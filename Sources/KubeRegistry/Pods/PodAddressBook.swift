import Synchronization

/// Whose a pod address is.
public struct PodAddress: Sendable, Hashable {
    /// ``LogicalCluster/id``.
    public var cluster: Int64
    public var namespace: String
    public var name: String
    public var uid: String

    public init(cluster: Int64, namespace: String, name: String, uid: String) {
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }
}

/// Which pod has which address, over all clusters on this machine: filled by the runtime, read by the API server to find the
/// cluster of a connection that comes from a pod, and by the DNS answerer.
///
/// Any thread may call any function; each is one short critical section.
public final class PodAddressBook: Sendable {
    private let pods = Mutex<[String: PodAddress]>([:])

    public init() {}

    /// Notes that an address is a pod's. A later note for the same address wins.
    public func add(_ ip: String, _ pod: PodAddress) {
        pods.withLock { $0[ip] = pod }
    }

    /// Forgets an address, unless it's another pod's by now.
    public func remove(_ ip: String, uid: String) {
        pods.withLock { if $0[ip]?.uid == uid { $0[ip] = nil } }
    }

    public func pod(at ip: String) -> PodAddress? {
        pods.withLock { $0[ip] }
    }

    /// The id of the cluster that the pod with this address belongs to.
    public func cluster(ofPodIP ip: String) -> Int64? {
        pod(at: ip)?.cluster
    }
}
