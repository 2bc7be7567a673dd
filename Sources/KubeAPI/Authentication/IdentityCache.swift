import KubeObject
import KubeStore
import Synchronization

/// The decoded identities of the clusters that are in use.
final class IdentityCache: Sendable {
    private struct Entry {
        var record: JSON
        var identity: ClusterIdentity
    }

    private let entries = Mutex<[Int64: Entry]>([:])
    private let capacity: Int

    init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    /// The identity in a cluster's record as it is now.
    func identity(of cluster: LogicalCluster) throws(StatusError) -> ClusterIdentity {
        let record = cluster.record
        if let entry = self.entries.withLock({ $0[cluster.id] }), entry.record == record { return entry.identity }
        let identity: ClusterIdentity
        do {
            identity = try ClusterIdentity(record: record)
        } catch {
            throw .internalError("reading the identity of cluster \(cluster.name): \(error)")
        }
        self.entries.withLock { entries in
            if entries.count >= self.capacity, let other = entries.keys.randomElement() { entries[other] = nil }
            entries[cluster.id] = Entry(record: record, identity: identity)
        }
        return identity
    }
}
