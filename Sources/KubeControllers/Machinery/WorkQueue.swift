import Synchronization

/// The keys that one controller has to look at.
///
/// - A key is in the queue at most once, however often it is added.
/// - A key that is added while a worker has it is handed out again only after that worker is done, so no key is ever worked on
///   twice at once.
/// - Clusters take turns: a cluster with a thousand keys delays another cluster's one key by one key, not by a thousand.
///
/// Concurrency model: everything is behind one mutex; workers that find nothing are parked as continuations.
public final class WorkQueue: Sendable {
    private struct State {
        /// Keys to hand out, by cluster. A cluster without keys has no entry.
        var ready: [ClusterReference: FIFO<QueueKey>] = [:]
        /// The clusters of `ready`, in the order of their turns.
        var turns = FIFO<ClusterReference>()
        /// What is in `ready`, or was added while being processed.
        var dirty: Set<QueueKey> = []
        var processing: Set<QueueKey> = []
        var failures: [QueueKey: Int] = [:]
        var idleWorkers: [Int: CheckedContinuation<QueueKey?, Never>] = [:]
        var nextWorker = 0
        var isClosed = false

        mutating func enqueue(_ key: QueueKey) {
            if ready[key.cluster] == nil { turns.append(key.cluster) }
            ready[key.cluster, default: FIFO()].append(key)
        }

        mutating func dequeue() -> QueueKey? {
            guard let cluster = turns.popFirst(), let key = ready[cluster]?.popFirst() else { return nil }
            if ready[cluster]?.isEmpty ?? true { ready[cluster] = nil } else { turns.append(cluster) }
            dirty.remove(key)
            processing.insert(key)
            return key
        }
    }

    /// The controller's name, for logs and metrics.
    public let name: String
    private let backOff: BackOff
    private let timer: DelayTimer
    private let state = Mutex(State())

    public init(name: String, timer: DelayTimer, backOff: BackOff = BackOff()) {
        self.name = name
        self.timer = timer
        self.backOff = backOff
        timer.register(ObjectIdentifier(self)) { [weak self] in self?.add($0) }
    }

    /// How many keys wait to be handed out now.
    public var count: Int { state.withLock { $0.dirty.count } }

    /// Whether no key waits and none is being worked on. Keys with a delay don't count.
    public var isIdle: Bool { state.withLock { $0.dirty.isEmpty && $0.processing.isEmpty } }

    /// Adds a key, to be handed out as soon as a worker is free.
    public func add(_ key: QueueKey) {
        let handOver: (CheckedContinuation<QueueKey?, Never>, QueueKey)? = state.withLock { state in
            guard !state.isClosed, state.dirty.insert(key).inserted, !state.processing.contains(key) else { return nil }
            state.enqueue(key)
            guard let (id, worker) = state.idleWorkers.first, let next = state.dequeue() else { return nil }
            state.idleWorkers[id] = nil
            return (worker, next)
        }
        if let (worker, key) = handOver { worker.resume(returning: key) }
    }

    /// Adds a key when `delay` has passed. Of several delays of one key the earliest counts.
    public func add(_ key: QueueKey, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        timer.schedule(key, queue: ObjectIdentifier(self), after: delay)
    }

    /// Adds a key that failed, after its back-off.
    /// - Returns: how long that is.
    @discardableResult
    public func addAfterFailure(_ key: QueueKey) -> Duration {
        let failures = state.withLock { state in
            let failures = state.failures[key, default: 0]
            state.failures[key] = failures + 1
            return failures
        }
        let delay = backOff.delay(afterFailures: failures)
        add(key, after: delay)
        return delay
    }

    /// Forgets a key's failures: its next back-off starts from the beginning.
    public func forget(_ key: QueueKey) { state.withLock { _ = $0.failures.removeValue(forKey: key) } }

    /// The next key to work on; waits for one. Whoever gets a key must call `done` with it.
    /// - Returns: nil when the queue was closed or the task cancelled.
    public func next() async -> QueueKey? {
        let worker = state.withLock { state in
            state.nextWorker += 1
            return state.nextWorker
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: QueueKey?? = state.withLock { state in
                    if state.isClosed || Task.isCancelled { return .some(nil) }
                    if let key = state.dequeue() { return key }
                    state.idleWorkers[worker] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.idleWorkers.removeValue(forKey: worker) }?.resume(returning: nil)
        }
    }

    /// The worker is finished with a key, which is handed out again if it was added meanwhile.
    public func done(_ key: QueueKey) {
        let handOver: (CheckedContinuation<QueueKey?, Never>, QueueKey)? = state.withLock { state in
            state.processing.remove(key)
            guard !state.isClosed, state.dirty.contains(key) else { return nil }
            state.enqueue(key)
            guard let (id, worker) = state.idleWorkers.first, let next = state.dequeue() else { return nil }
            state.idleWorkers[id] = nil
            return (worker, next)
        }
        if let (worker, key) = handOver { worker.resume(returning: key) }
    }

    /// Drops what waits and sends every worker home.
    public func close() {
        let workers = state.withLock { state in
            state.isClosed = true
            state.ready = [:]
            state.turns = FIFO()
            state.dirty = []
            defer { state.idleWorkers = [:] }
            return Array(state.idleWorkers.values)
        }
        for worker in workers { worker.resume(returning: nil) }
    }
}
