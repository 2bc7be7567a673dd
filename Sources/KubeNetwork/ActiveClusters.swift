import KubeStore
import Synchronization

/// The clusters that have pods here, kept in memory for that long.
///
/// Concurrency: ``RuleKeeper`` alone adds and removes; the store's writer and DNS read, each for the time of a lookup.
final class ActiveClusters: Sendable {
    private let holds = Mutex<[Int64: LogicalCluster.Hold]>([:])

    func add(_ cluster: LogicalCluster) {
        let hold = cluster.hold()
        holds.withLock { $0[cluster.id] = hold }
    }

    func keep(only ids: some Collection<Int64>) {
        let ids = Set(ids)
        // Let go outside the lock: the last hold may unload its cluster.
        let gone = holds.withLock { holds in
            let gone = holds.filter { !ids.contains($0.key) }
            for id in gone.keys { holds[id] = nil }
            return gone
        }
        _ = gone
    }

    func contains(_ id: Int64) -> Bool { holds.withLock { $0[id] != nil } }

    func cluster(_ id: Int64) -> LogicalCluster? { holds.withLock { $0[id]?.cluster } }
}
