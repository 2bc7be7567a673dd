public import KubeAPI
import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// Changes the identities of clusters, one change of a cluster at a time: a change that was lost to another would bring back keys that
/// are given up.
public final class ClusterAuthorities: Sendable {
    private let identities: IdentityCache
    private let busy = Mutex<Set<Int64>>([])

    /// - Parameter identities: of all clusters.
    public init(identities: IdentityCache) { self.identities = identities }

    /// Changes a cluster's identity in one step: whoever asks before or after it finds a whole one.
    ///
    /// - Parameter change: gives the new identity.
    /// - Throws: 409 while somebody else changes it; whatever `change` throws.
    @discardableResult
    func change(
        _ cluster: LogicalCluster, _ change: (ClusterIdentity) throws -> ClusterIdentity
    ) async throws -> ClusterIdentity {
        guard begin(cluster.id) else {
            throw StatusError.conflict(
                Platform.virtualClusters, cluster.name, "its authority is being changed already; try again")
        }
        defer { end(cluster.id) }
        let changed = try change(try identities.identity(of: cluster))
        try await cluster.updateRecord(try changed.record(in: cluster.record))
        return changed
    }

    private func begin(_ id: Int64) -> Bool { busy.withLock { $0.insert(id).inserted } }
    private func end(_ id: Int64) { busy.withLock { _ = $0.remove(id) } }
}
