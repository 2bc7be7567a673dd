import Synchronization

/// How many bytes may wait at once in several streams of one connection, for those who take them.
///
/// One task waits; any may note and release.
final class ByteBudget: Sendable {
    private struct State {
        var used = 0
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    var used: Int { self.state.withLock { $0.used } }

    func note(_ count: Int) {
        self.state.withLock { $0.used += count }
    }

    func release(_ count: Int) {
        let waiting = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.used -= count
            guard state.used < self.limit else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when fewer bytes than the limit wait, or when the task is cancelled.
    func waitForRoom() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasRoom = self.state.withLock { state in
                    if state.used < self.limit || Task.isCancelled { return true }
                    state.waiting = continuation
                    return false
                }
                if hasRoom { continuation.resume() }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }
    }
}
