import KubeObject
import KubeRegistry
import Synchronization

/// Bounds how much of the server one cluster's clients use at once, and how often they ask. Clusters that nobody asks anything cost nothing.
final class RequestLimiter: Sendable {
    fileprivate struct Load {
        var requests = 0
        var streams = 0
    }

    fileprivate struct State {
        var loads: [Int64: Load] = [:]
        /// Of clusters with a limit on requests a second, as long as they aren't full again.
        var buckets: [Int64: TokenBucket] = [:]
    }

    private static let bucketCapacity = 4096

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// One request in progress; over when the last reference is gone.
    final class Permit: Sendable {
        private let limiter: RequestLimiter
        private let cluster: Int64
        private let isLongRunning: Bool
        private let kept = Mutex<(any AnyObject & Sendable)?>(nil)

        /// Keeps something for as long as the request is in progress.
        func keep(_ object: (any AnyObject & Sendable)?) { self.kept.withLock { $0 = object } }

        fileprivate init(_ limiter: RequestLimiter, _ cluster: Int64, _ isLongRunning: Bool) {
            self.limiter = limiter
            self.cluster = cluster
            self.isLongRunning = isLongRunning
        }

        deinit {
            self.limiter.state.withLock { state in
                guard var load = state.loads[self.cluster] else { return }
                if self.isLongRunning { load.streams -= 1 } else { load.requests -= 1 }
                state.loads[self.cluster] = load.requests == 0 && load.streams == 0 ? nil : load
            }
        }
    }

    /// - Throws: 429 when the cluster has too many already, or asks too often.
    func begin(
        cluster: Int64, isLongRunning: Bool, _ limits: ClusterPolicy.Limits
    ) throws(StatusError) -> Permit {
        let refusal = self.state.withLock { state -> StatusError? in
            var load = state.loads[cluster] ?? Load()
            if isLongRunning {
                guard load.streams < limits.watches else {
                    return Self.refusal("\(limits.watches) watches and other streams open at once", "watches")
                }
            } else {
                guard load.requests < limits.requests else {
                    return Self.refusal("\(limits.requests) requests in progress at once", "requests")
                }
            }
            if let rate = limits.requestsPerSecond, !state.take(cluster, rate, self.now(), Self.bucketCapacity) {
                return Self.refusal("\(rate) requests a second", "requestsPerSecond")
            }
            if isLongRunning { load.streams += 1 } else { load.requests += 1 }
            state.loads[cluster] = load
            return nil
        }
        if let refusal { throw refusal }
        return Permit(self, cluster, isLongRunning)
    }

    private static func refusal(_ what: String, _ field: String) -> StatusError {
        .tooManyRequests(
            "the server has received too many requests and has asked us to try again later: the cluster's limit of \(what) is reached (spec.limits.\(field) of its VirtualCluster)",
            retryAfterSeconds: 1)
    }

    /// A cluster's requests and streams in progress.
    func load(of cluster: Int64) -> (requests: Int, streams: Int) {
        self.state.withLock { state in state.loads[cluster].map { ($0.requests, $0.streams) } ?? (0, 0) }
    }

    /// Requests and streams in progress, over all clusters.
    var total: (requests: Int, streams: Int) {
        self.state.withLock { state in
            state.loads.values.reduce(into: (0, 0)) { sum, load in
                sum.0 += load.requests
                sum.1 += load.streams
            }
        }
    }
}

extension RequestLimiter.State {
    fileprivate mutating func take(_ cluster: Int64, _ rate: Int, _ now: ContinuousClock.Instant, _ capacity: Int) -> Bool {
        // A full one says nothing that a new one wouldn't.
        if self.buckets.count >= capacity { self.buckets = self.buckets.filter { !$0.value.isFull(at: now) } }
        var bucket = self.buckets[cluster] ?? TokenBucket(rate: rate, now: now)
        defer { self.buckets[cluster] = bucket }
        return bucket.take(rate: rate, now: now)
    }
}

/// Lets so many through in a second, and as many at once.
struct TokenBucket {
    private var rate: Double
    private var tokens: Double
    private var last: ContinuousClock.Instant

    init(rate: Int, now: ContinuousClock.Instant) {
        self.rate = Double(rate)
        self.tokens = Double(rate)
        self.last = now
    }

    mutating func take(rate: Int, now: ContinuousClock.Instant) -> Bool {
        self.rate = Double(rate)
        self.tokens = self.level(at: now)
        self.last = now
        guard self.tokens >= 1 else { return false }
        self.tokens -= 1
        return true
    }

    func isFull(at now: ContinuousClock.Instant) -> Bool { self.level(at: now) >= self.rate }

    private func level(at now: ContinuousClock.Instant) -> Double {
        min(self.rate, self.tokens + self.last.duration(to: now) / .seconds(1) * self.rate)
    }
}
