import Synchronization

/// The one timer of all work queues.
///
/// Concurrency model: the heap is behind a mutex; `run` is the only sleeper. It sleeps until the earliest deadline, or for good
/// while there is none, and an earlier deadline wakes it up.
public final class DelayTimer: Sendable {
    struct Entry: Hashable {
        var queue: ObjectIdentifier
        var key: QueueKey
    }

    private struct State {
        var heap = DelayHeap<Entry>()
        var queues: [ObjectIdentifier: @Sendable (QueueKey) -> Void] = [:]
    }

    private let clock: ControllerClock
    private let state = Mutex(State())
    private let earlier = Signal()

    public init(clock: ControllerClock) { self.clock = clock }

    /// How many keys of all queues wait for their time.
    public var count: Int { state.withLock { $0.heap.count } }

    /// `add` is called from `run` when a key of this queue is due.
    func register(_ queue: ObjectIdentifier, add: @escaping @Sendable (QueueKey) -> Void) {
        state.withLock { $0.queues[queue] = add }
    }

    func schedule(_ key: QueueKey, queue: ObjectIdentifier, after delay: Duration) {
        let deadline = clock.uptime() + delay
        if state.withLock({ $0.heap.insert(Entry(queue: queue, key: key), at: deadline) }) { earlier.notify() }
    }

    /// Hands keys to their queues when they are due, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            let next = fireDue()
            await withTaskGroup(of: Void.self) { group in
                if let next {
                    // Cancellation is how the other child ends this sleep.
                    group.addTask { [clock] in try? await clock.sleep(next) }
                }
                group.addTask { [earlier] in await earlier.wait() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// - Returns: when the next key is due.
    private func fireDue() -> Duration? {
        let now = clock.uptime()
        var due: [(@Sendable (QueueKey) -> Void, QueueKey)] = []
        let next = state.withLock { state in
            while let entry = state.heap.popDue(at: now) {
                if let add = state.queues[entry.queue] { due.append((add, entry.key)) }
            }
            return state.heap.earliest
        }
        for (add, key) in due { add(key) }
        return next
    }
}
