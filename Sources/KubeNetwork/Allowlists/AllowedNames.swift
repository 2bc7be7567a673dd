import NIOCore
import Synchronization

/// Which names of which clusters' allowlists DNS is to tell of, and of which it has just told.
///
/// Concurrency: ``RuleKeeper`` alone sets; DNS asks from its event loops.
final class AllowedNames: Sendable {
    private struct Recent {
        var addresses: Set<IPAddress>
        var told: NIODeadline
        var done: EventLoopFuture<Void>
    }

    private struct Cluster {
        var patterns: Set<DomainPattern>
        var recent: [DNSName: Recent] = [:]
    }

    /// An answer that says the same isn't told of again for so long: well below the time for which it counts.
    private static let pause: TimeAmount = .seconds(10)
    private static let maximumRecent = 1_024

    private let clusters = Mutex<[Int64: Cluster]>([:])

    /// From now on these names of a cluster are told of, if they weren't already.
    func set(_ patterns: Set<DomainPattern>, of cluster: Int64) {
        clusters.withLock { clusters in
            guard clusters[cluster]?.patterns ?? [] != patterns else { return }
            clusters[cluster] = patterns.isEmpty ? nil : Cluster(patterns: patterns)
        }
    }

    func patterns(of cluster: Int64) -> Set<DomainPattern> { clusters.withLock { $0[cluster]?.patterns ?? [] } }

    func keep(only ids: Set<Int64>) {
        clusters.withLock { clusters in
            if clusters.keys.contains(where: { !ids.contains($0) }) { clusters = clusters.filter { ids.contains($0.key) } }
        }
    }

    /// - Parameters:
    ///   - name: what was asked for.
    ///   - tell: has the kernel know, and keeps the promise then. It may not block.
    /// - Returns: when the kernel knows the addresses; nil when no list has the name, so that nobody need wait.
    func learn(
        _ name: DNSName, _ addresses: Set<IPAddress>, of cluster: Int64, on loop: any EventLoop, now: NIODeadline = .now(),
        tell: (DNSName, EventLoopPromise<Void>) -> Void
    ) -> EventLoopFuture<Void>? {
        let name = name.canonical
        // Most clusters have no such list.
        let (known, promise) = clusters.withLock { clusters -> (EventLoopFuture<Void>?, EventLoopPromise<Void>?) in
            guard let cluster = clusters[cluster], cluster.patterns.contains(where: { $0.matches(name) }) else {
                return (nil, nil)
            }
            if let recent = cluster.recent[name], recent.addresses == addresses, now - recent.told < Self.pause {
                return (recent.done, nil)
            }
            return (nil, loop.makePromise(of: Void.self))
        }
        guard let promise else { return known }
        clusters.withLock { clusters in
            guard clusters[cluster] != nil else { return }
            if clusters[cluster]?.recent.count ?? 0 >= Self.maximumRecent { clusters[cluster]?.recent = [:] }
            clusters[cluster]?.recent[name] = Recent(addresses: addresses, told: now, done: promise.futureResult)
        }
        tell(name, promise)
        return promise.futureResult
    }
}
