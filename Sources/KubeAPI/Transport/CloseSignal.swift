import Synchronization

/// Fires once, when a connection or stream has closed, and then wakes everybody who waits.
///
/// Unlike waiting for a future, waiting here ends when the waiting task is cancelled, so a response that ends before its
/// connection does leaves nothing behind.
final class CloseSignal: Sendable {
    private struct State {
        var hasFired = false
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    func fire() {
        let waiting = self.state.withLock { state in
            state.hasFired = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    var hasFired: Bool {
        self.state.withLock { $0.hasFired }
    }

    /// Returns when the signal has fired or the task is cancelled.
    func wait() async {
        let id = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if state.hasFired || Task.isCancelled { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
    }
}
