import Synchronization

/// The mailbox between the writer, which offers events, and one consumer, which takes them: it waits for them, or has itself told
/// when there are some.
///
/// Concurrency: any thread may call anything; only one consumer may wait at a time. Nothing here blocks.
final class Watcher: Sendable {
    typealias Outcome = WatchSubscription.Outcome

    fileprivate struct State {
        /// In order; `taken` of them are already gone.
        var batches: [EventBatch] = []
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
        /// Told once when something waits, after the consumer found nothing.
        var listener: (@Sendable () -> Void)?
        var isListening = false

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
            state.batches.append(EventBatch(events))
            state.waitingEvents += events.count
            state.limit += events.count
        }
    }

    /// Hands events over. A consumer too far behind is cut off after what already waits for it.
    func offer(_ batch: EventBatch) {
        wake { state in
            guard state.end == nil, !state.isCancelled else { return nil }
            if state.consumer != nil {
                state.note(batch)
                return .batch(batch)
            }
            if state.isListening || state.waitingEvents + batch.events.count <= state.limit {
                state.batches.append(batch)
                state.waitingEvents += batch.events.count
            } else {
                state.end = .slow
            }
            return nil
        }
    }

    /// Ends the watch after what already waits for the consumer.
    func end(_ reason: WatchEnd) {
        wake { state in
            guard state.end == nil else { return nil }
            state.end = reason
            return .ended(reason)
        }
    }

    /// Ends the watch at once, from the consumer's side.
    func cancel() {
        wake { state in
            state.isCancelled = true
            state.batches = []
            state.taken = 0
            return .cancelled
        }
        state.withLock { $0.listener = nil }
    }

    /// Makes a consumer that waits, or the next one that would, come back with an empty batch.
    func nudge() {
        wake { state in
            state.isNudged = state.consumer == nil
            return .batch(.none)
        }
    }

    /// Changes the state, and tells the consumer: `change` returns what one that waits gets, if anything.
    private func wake(_ change: (inout State) -> Outcome?) {
        let (waiting, listener) = state.withLock { state in
            let outcome = change(&state)
            let listener = state.isListening ? state.listener : nil
            state.isListening = false
            guard let outcome, let consumer = state.consumer else { return (nil as Resumption?, listener) }
            state.consumer = nil
            return (Resumption(consumer: consumer, outcome: outcome), listener)
        }
        if let waiting { waiting.consumer.resume(returning: waiting.outcome) }
        listener?()
    }

    private struct Resumption {
        let consumer: CheckedContinuation<Outcome, Never>
        let outcome: Outcome
    }

    /// The revision up to which the consumer has everything, when all events up to `delivered` have been offered before.
    func progress(delivered: UInt64) -> UInt64 {
        state.withLock { state in
            if state.isEmpty, state.end == nil { state.progress = max(state.progress, delivered) }
            return state.progress
        }
    }

    /// What the consumer gets without waiting. When that is nothing, `listener` is told once when there is something.
    func take() -> Outcome? {
        state.withLock { state in
            let outcome = state.take()
            state.isListening = outcome == nil
            return outcome
        }
    }

    /// - Parameter listener: called by whoever offers; it must not block. Not before `take()` found nothing.
    func listen(_ listener: @escaping @Sendable () -> Void) {
        state.withLock { state in
            // Nobody would let go of it again.
            if !state.isCancelled { state.listener = listener }
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
    fileprivate mutating func note(_ batch: EventBatch) {
        if let last = batch.events.last { progress = max(progress, last.revision) }
    }

    /// What a consumer gets without waiting.
    fileprivate mutating func take() -> Watcher.Outcome? {
        if isCancelled { return .cancelled }
        if !isEmpty {
            let batch = batches[taken]
            batches[taken] = .none
            taken += 1
            if isEmpty {
                batches.removeAll(keepingCapacity: batches.count <= 64)
                taken = 0
            } else if taken >= 64, taken * 2 >= batches.count {
                batches.removeFirst(taken)
                taken = 0
            }
            waitingEvents -= batch.events.count
            note(batch)
            return .batch(batch)
        }
        if let end { return .ended(end) }
        if isNudged {
            isNudged = false
            return .batch(.none)
        }
        return nil
    }
}
