public import KubeObject
public import KubeStore

/// The name of a piece of work inside a cluster: mostly an object's.
public struct ObjectName: Sendable, Hashable {
    /// Empty for what is cluster-scoped.
    public var namespace: String
    public var name: String

    public init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    public init(_ metadata: Metadata) { self.init(namespace: metadata.namespace, name: metadata.name) }
}

/// What a reconciler wants to happen after it returned without an error.
public struct Outcome: Sendable {
    /// Look at the same key again after so long.
    public var after: Duration?
    /// Other keys of the same cluster to look at.
    public var also: [ObjectName]

    public init(after: Duration? = nil, also: [ObjectName] = []) {
        self.after = after
        self.also = also
    }

    public static let done = Outcome()

    /// - Parameter seconds: at most a year counts; a look too early does no harm.
    static func after(seconds: Double?) -> Outcome {
        Outcome(after: seconds.map { .milliseconds(Int64(saturating: min(max(0, $0), 31_536_000) * 1000)) })
    }
}

/// One controller: brings what is in the clusters nearer to what is desired.
///
/// Concurrency model: `keys` is called by one task, for every change in commit order; `reconcile` by several, never twice at once for one key.
/// A reconciler holds no copies of objects: it reads the cluster's snapshot each time.
public protocol Reconciler: Sendable {
    /// The service account in `kube-system` under which it writes, as `deployment-controller`.
    var name: String { get }

    /// The beginnings of the keys whose changes it wants to hear of, as `apps/deployments/`; one empty string for all.
    var watched: [String] { get }

    /// How many keys may be worked on at once.
    var concurrency: Int { get }

    /// The work that a change makes. Must be quick: all changes of all clusters pass here.
    ///
    /// Whether there is any in an object of the base, with which every cluster begins, may not depend on the cluster: that is asked once.
    func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName]

    /// Does the work of one key, or finds that there is none.
    ///
    /// - Throws: anything; the key is tried again after its back-off.
    func reconcile(_ work: Work) async throws -> Outcome

    /// The cluster is gone for good: forget what was kept about it.
    func forget(cluster: Int64)

    /// Whether its work waits while the cluster sleeps: what goes by the clock would pile up, or find that nothing runs.
    var restsWithCluster: Bool { get }
}

extension Reconciler {
    public var concurrency: Int { 8 }
    public func forget(cluster: Int64) {}
    public var restsWithCluster: Bool { false }
}
