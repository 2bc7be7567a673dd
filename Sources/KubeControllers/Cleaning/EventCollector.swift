import KubeObject
public import KubeStore
import Synchronization

/// Deletes events an hour after they were last seen, as upstream's storage does.
///
/// A cluster has one key, which waits for its oldest event; so a cluster without events has nothing that waits.
/// Concurrency: the set of clusters that have a key is behind a mutex.
public final class EventCollector: Reconciler {
    private let lifetime: Double
    private let armed = Mutex<Set<Int64>>([])

    /// - Parameter lifetime: in seconds.
    public init(lifetime: Double = 3600) { self.lifetime = lifetime }

    public var name: String { "event-collector" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.events)] }

    public func forget(cluster: Int64) { armed.withLock { _ = $0.remove(cluster) } }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.type == .added, armed.withLock({ $0.insert(cluster.id).inserted }) else { return [] }
        return [ObjectName(name: "")]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let events = work.snapshot.list(prefix: Key.prefix(Resources.events))
        let (expired, secondsLeft) = Self.split(events, lifetime: lifetime, now: work.now)
        try await concurrently(expired, limit: 64) { try await work.delete(Resources.events, $0) }
        if let secondsLeft { return .after(seconds: secondsLeft + 1) }
        armed.withLock { _ = $0.remove(work.cluster.id) }
        // One may have come between the look and the disarming.
        let isEmpty = work.cluster.snapshot.count(prefix: Key.prefix(Resources.events)) == 0
        return isEmpty || !armed.withLock({ $0.insert(work.cluster.id).inserted }) ? .done : .after(seconds: lifetime)
    }

    /// The events whose time is over, and how long the next one has left.
    static func split(_ events: [Object], lifetime: Double, now: Double) -> (expired: [Metadata], secondsLeft: Double?) {
        var expired: [Metadata] = []
        var next: Double?
        for event in events {
            let tree = event.tree
            let seen =
                [
                    tree["lastTimestamp"]?.string, tree[path: "series", "lastObservedTime"]?.string, tree["eventTime"]?.string,
                    event.metadata.creationTimestamp,
                ].compactMap { $0?.timestamp }.max() ?? now
            let left = seen + lifetime - now
            if left <= 0 { expired.append(event.metadata) } else { next = min(next ?? left, left) }
        }
        return (expired, next)
    }
}
