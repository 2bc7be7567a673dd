import Synchronization

/// Keeps one cluster's metrics servers from holding up the autoscalers of others: of each cluster only so many autoscalers wait for them at
/// once, and a group whose server let one wait in vain isn't asked for a while.
///
/// Concurrency: any task may call any function; each is one short critical section.
final class MetricsPatience: Sendable {
    static let mostWaiting = 2
    /// How long, in seconds, a server that was too slow isn't asked.
    static let pause = 30.0

    private struct Cluster {
        var waiting = 0
        /// How many more want to wait, as far as is known.
        var crowd = 0
        /// Until when a group isn't asked, in seconds since 1970.
        var paused: [String: Double] = [:]
    }

    private let clusters = Mutex<[Int64: Cluster]>([:])

    /// Lets an autoscaler of the cluster begin to ask; `leave` is to be called when it is done.
    ///
    /// - Returns: when it should come again, in seconds, because others wait; nil when it may begin. The more come, the later, so that
    ///   many who wait aren't work themselves.
    func enter(_ cluster: Int64) -> Double? {
        clusters.withLock { clusters in
            var entry = clusters[cluster, default: Cluster()]
            defer { clusters[cluster] = entry }
            guard entry.waiting >= Self.mostWaiting else {
                entry.waiting += 1
                entry.crowd = max(0, entry.crowd - 8)
                return nil
            }
            entry.crowd = min(entry.crowd + 1, 480)
            return Double(1 + entry.crowd / 8) / 4
        }
    }

    func leave(_ cluster: Int64, now: Double) {
        clusters.withLock { clusters in
            guard var entry = clusters[cluster] else { return }
            entry.waiting -= 1
            entry.paused = entry.paused.filter { $0.value > now }
            clusters[cluster] = entry.waiting <= 0 && entry.paused.isEmpty ? nil : entry
        }
    }

    func isPaused(_ cluster: Int64, _ group: String, now: Double) -> Bool {
        clusters.withLock { ($0[cluster]?.paused[group] ?? 0) > now }
    }

    func pause(_ cluster: Int64, _ group: String, now: Double) {
        clusters.withLock { $0[cluster, default: Cluster()].paused[group] = now + Self.pause }
    }

    func forget(_ cluster: Int64) {
        clusters.withLock { $0[cluster] = nil }
    }
}
