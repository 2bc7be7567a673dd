import KubeObject
import Synchronization

/// Bounds how much of the server one cluster's clients use at once. Clusters that nobody asks anything cost nothing.
final class RequestLimiter: Sendable {
    private struct Load {
        var requests = 0
        var streams = 0
    }

    private let loads = Mutex<[Int64: Load]>([:])
    private let requests: Int
    private let streams: Int

    init(requests: Int, streams: Int) {
        self.requests = requests
        self.streams = streams
    }

    /// One request in progress; over when the last reference is gone.
    final class Permit: Sendable {
        private let limiter: RequestLimiter
        private let cluster: Int64
        private let isLongRunning: Bool

        fileprivate init(_ limiter: RequestLimiter, _ cluster: Int64, _ isLongRunning: Bool) {
            self.limiter = limiter
            self.cluster = cluster
            self.isLongRunning = isLongRunning
        }

        deinit {
            self.limiter.loads.withLock { loads in
                guard var load = loads[self.cluster] else { return }
                if self.isLongRunning { load.streams -= 1 } else { load.requests -= 1 }
                loads[self.cluster] = load.requests == 0 && load.streams == 0 ? nil : load
            }
        }
    }

    /// - Throws: 429 when the cluster has too many already.
    func begin(cluster: Int64, isLongRunning: Bool) throws(StatusError) -> Permit {
        let isFree = self.loads.withLock { loads in
            var load = loads[cluster] ?? Load()
            if isLongRunning {
                guard load.streams < self.streams else { return false }
                load.streams += 1
            } else {
                guard load.requests < self.requests else { return false }
                load.requests += 1
            }
            loads[cluster] = load
            return true
        }
        guard isFree else {
            throw .tooManyRequests(
                "the server has received too many requests and has asked us to try again later", retryAfterSeconds: 1)
        }
        return Permit(self, cluster, isLongRunning)
    }

    /// A cluster's requests and streams in progress.
    func load(of cluster: Int64) -> (requests: Int, streams: Int) {
        self.loads.withLock { loads in loads[cluster].map { ($0.requests, $0.streams) } ?? (0, 0) }
    }

    /// Requests and streams in progress, over all clusters.
    var total: (requests: Int, streams: Int) {
        self.loads.withLock { loads in
            loads.values.reduce(into: (0, 0)) { sum, load in
                sum.0 += load.requests
                sum.1 += load.streams
            }
        }
    }
}
