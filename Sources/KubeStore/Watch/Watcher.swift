import Synchronization

/// The mailbox between the writer, which offers events, and one consumer, which takes them.
///
/// Concurrency: any thread may call anything; only one consumer may wait at a time. Nothing here blocks.
final class Watcher: Sendable {
    enum Outcome: Sendable {
        /// Events, or none when the consumer was nudged.
        case batch([Event])
        case ended(WatchEnd)
        case cancelled
    }

    fileprivate struct State {
        /// In order; `taken` of them are already gone.
        var batches: [[Event]] = []
        var taken = 0
        var waitingEvents = 0
        /// How many may wait before the watcher is cut off.
        var limit: Int
        /// The revision up to which the consumer has been given everything.
        var progress: UInt64
        var isNudged = false
        var end: WatchEnd?
        var isCancelled = false
        var consumer: CheckedContinuation<Outcome, Never>?

        var isEmpty: Bool { taken == batches.count }
    }

    let prefix: String
    private let state: Mutex<State>

    /// - Parameter limit: how many events may wait before the watcher is cut off.
    init(prefix: String, after revision: UInt64, limit: Int) {
        self.prefix = prefix
        state = Mutex(State(limit: limit, progress: revision))
    }

    /// Gives the consumer events that it asked to start with, however many they are.
    func prime(_ events: [Event]) {
        guard !events.isEmpty else { return }
        state.withLock { state in
            state.batches.append(events)
            state.waitingEvents += events.count
            state.limit += events.count
        }
    }

    /// Hands events over. A consumer too far behind is cut off after what already waits for it.
    func offer(_ events: [Event]) {
        let waiting = state.withLock { state -> (CheckedContinuation<Outcome, Never>, Outcome)? in
            guard state.end == nil, !state.isCancelled else { return nil }
            if let consumer = state.consumer {
                state.consumer = nil
                state.note(events)
                return (consumer, .batch(events))
            }
            guard state.waitingEvents + events.count <= state.limit else {
                state.end = .slow
                return nil
            }
            state.batches.append(events)
            state.waitingEvents += events.count
            return nil
        }
        if let (consumer, outcome) = waiting { consumer.resume(returning: outcome) }
    }

    /// Ends the watch after what already waits for the consumer.
    func end(_ reason: WatchEnd) {
        let waiting = state.withLock { state in
            guard state.end == nil else { return nil as CheckedContinuation<Outcome, Never>? }
            state.end = reason
            return state.takeConsumer()
        }
        waiting?.resume(returning: .ended(reason))
    }

    /// Ends the watch at once, from the consumer's side.
    func cancel() {
        let waiting = state.withLock { state in
            state.isCancelled = true
            state.batches = []
            state.taken = 0
            return state.takeConsumer()
        }
        waiting?.resume(returning: .cancelled)
    }

    /// Makes a consumer that waits, or the next one that would, come back with an empty batch.
    func nudge() {
        let waiting = state.withLock { state in
            let consumer = state.takeConsumer()
            state.isNudged = consumer == nil
            return consumer
        }
        waiting?.resume(returning: .batch([]))
    }

    /// The revision up to which the consumer has everything, when all events up to `delivered` have been offered before.
    func progress(delivered: UInt64) -> UInt64 {
        state.withLock { state in
            if state.isEmpty, state.end == nil { state.progress = max(state.progress, delivered) }
            return state.progress
        }
    }

    /// Waits for the next events. The caller handles cancellation by `cancel()`.
    func next() async -> Outcome {
        if let outcome = state.withLock({ $0.take() }) { return outcome }
        return await withCheckedContinuation { consumer in
            let outcome = state.withLock { state -> Outcome? in
                if let outcome = state.take() { return outcome }
                guard state.consumer == nil else { return .cancelled }
                state.consumer = consumer
                return nil
            }
            if let outcome { consumer.resume(returning: outcome) }
        }
    }
}

extension Watcher.State {
    fileprivate mutating func note(_ events: [Event]) {
        if let last = events.last { progress = max(progress, last.revision) }
    }

    fileprivate mutating func takeConsumer() -> CheckedContinuation<Watcher.Outcome, Never>? {
        defer { consumer = nil }
        return consumer
    }

    /// What a consumer gets without waiting.
    fileprivate mutating func take() -> Watcher.Outcome? {
        if isCancelled { return .cancelled }
        if !isEmpty {
            let batch = batches[taken]
            batches[taken] = []
            taken += 1
            if isEmpty {
                batches.removeAll(keepingCapacity: batches.count <= 64)
                taken = 0
            } else if taken >= 64, taken * 2 >= batches.count {
                batches.removeFirst(taken)
                taken = 0
            }
            waitingEvents -= batch.count
            note(batch)
            return .batch(batch)
        }
        if let end { return .ended(end) }
        if isNudged {
            isNudged = false
            return .batch([])
        }
        return nil
    }
}
