public import KubeObject
public import KubeStore
import Synchronization

/// The decoded identities of the clusters that are in use.
public final class IdentityCache: Sendable {
    private struct Entry {
        var record: JSON
        var identity: ClusterIdentity
    }

    private let entries = Mutex<[Int64: Entry]>([:])
    private let capacity: Int

    /// - Parameter capacity: how many are kept.
    public init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    /// The identity in a cluster's record as it is now.
    public func identity(of cluster: LogicalCluster) throws(StatusError) -> ClusterIdentity {
        let record = cluster.record
        if let entry = self.entries.withLock({ $0[cluster.id] }), entry.record == record { return entry.identity }
        let identity: ClusterIdentity
        do {
            identity = try ClusterIdentity(record: record)
        } catch {
            throw .internalError("reading the identity of cluster \(cluster.name): \(error)")
        }
        self.keep(identity, record, of: cluster)
        return identity
    }

    /// Keeps the identity of a cluster that was made with it just now, whose first request comes soon.
    public func remember(_ identity: ClusterIdentity, of cluster: LogicalCluster) {
        self.keep(identity, cluster.record, of: cluster)
    }

    private func keep(_ identity: ClusterIdentity, _ record: JSON, of cluster: LogicalCluster) {
        self.entries.withLock { entries in
            if entries.count >= self.capacity, let other = entries.keys.randomElement() { entries[other] = nil }
            entries[cluster.id] = Entry(record: record, identity: identity)
        }
    }
}
