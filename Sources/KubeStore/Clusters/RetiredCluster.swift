public import KubeObject

/// A cluster that was put away: nobody sees it under its name, which may be another's, and all that it had is kept.
public struct RetiredCluster: Sendable {
    /// Its id stays its own, and its name and uid are those that it had.
    public let info: ClusterInfo
    /// Everything in it.
    public let snapshot: Snapshot
    /// Its private record.
    public let record: JSON
    let base: Base
}

/// Where a cluster is that was made once.
public enum ClusterWhereabouts: Sendable {
    /// It goes on under its name.
    case inUse
    /// It was put away.
    case retired(ClusterInfo)
    /// It is gone for good, or goes on as another one.
    case nowhere
}

extension Store {
    /// Puts a cluster away. For everybody who uses it, or follows the store, it is deleted, and its name can be used again at once; what it has
    /// stays on the disk until `revive` or `discard`. It takes no memory but for its name.
    ///
    /// - Throws: `.noSuchCluster`, and what `LogicalCluster.commit` throws.
    public func retireCluster(_ name: String) async throws(StoreError) {
        guard let cluster = try await cluster(name) else { throw .noSuchCluster }
        try await queue.run { .retire(cluster, $0) }
    }

    /// Those that were put away, in no order.
    public var retiredClusters: [ClusterInfo] { directory.retired }

    /// Where a cluster is, at one moment: one that is being put away is either in use or retired.
    ///
    /// - Parameters:
    ///   - uid: that it was made with.
    ///   - name: under which it was made.
    public func whereabouts(ofUID uid: String, named name: String) -> ClusterWhereabouts {
        directory.whereabouts(ofUID: uid, named: name)
    }

    /// What a retired cluster had; nil when there is none of this id.
    public func retiredCluster(id: Int64) async throws(StoreError) -> RetiredCluster? {
        guard let info = directory.retired(id) else { return nil }
        guard !queue.isClosed else { throw .closed }
        let result = await withCheckedContinuation { continuation in
            engine.load(id) { continuation.resume(returning: $0) }
        }
        guard let stored = try result.get() else { return nil }
        let (base, map, _) = try contents(of: info, stored)
        return RetiredCluster(
            info: info, snapshot: Snapshot(revision: stored.revision, map: map), record: stored.record, base: base)
    }

    /// Has a retired cluster go on, with its id, its record and its keys, all or nothing. For those who follow the store it is a new one.
    ///
    /// - Parameters:
    ///   - name: under which it goes on.
    ///   - uid: that it has from now on.
    ///   - restored: its objects as they are to be; those that aren't changed are those of `retired`'s snapshot.
    /// - Throws: `.noSuchCluster` when it isn't there any more, `.clusterExists`, and what `LogicalCluster.commit` throws.
    public func revive(
        _ retired: RetiredCluster, as name: String, uid: String, with restored: RestoredObjects
    ) async throws(StoreError) -> LogicalCluster {
        try await queue.run { .revive(Revival(retired: retired, name: name, uid: uid, restored: restored), $0) }
    }

    /// Deletes a retired cluster with everything in it.
    ///
    /// - Throws: `.noSuchCluster` when there is none of this id, and what `LogicalCluster.commit` throws.
    public func discardRetired(id: Int64) async throws(StoreError) {
        try await queue.run { .discard(id, $0) }
    }
}
