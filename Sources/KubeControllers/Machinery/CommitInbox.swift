import KubeStore
import Synchronization

/// Takes batches from the store's writer, which must not wait, and hands them to the one task that looks at them.
final class CommitInbox: Sendable {
    private struct State {
        var batches: [CommitBatch] = []
        var isBusy = false
    }

    private let state = Mutex(State())
    private let signal = Signal()

    /// Called by the store's writer.
    func put(_ batch: CommitBatch) {
        state.withLock { $0.batches.append(batch) }
        signal.notify()
    }

    /// Everything that has come since the last call, in order; waits for something. Empty only when the task is cancelled.
    func take() async -> [CommitBatch] {
        while !Task.isCancelled {
            let batches = state.withLock { state in
                defer { state.batches = [] }
                state.isBusy = !state.batches.isEmpty
                return state.batches
            }
            if !batches.isEmpty { return batches }
            await signal.wait()
        }
        return []
    }

    /// Whether everything that came was looked at.
    var isIdle: Bool { state.withLock { $0.batches.isEmpty && !$0.isBusy } }
}
