import Synchronization

/// Those who wait for clusters that aren't there yet, by name.
///
/// Concurrency: one mutex, held for dictionary work only; nobody is resumed under it.
final class ClusterArrivals: Sendable {
    private struct State {
        var waiters: [String: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// Waits until `announce` is called with this name, `isThere` is true, or the task is cancelled.
    ///
    /// - Parameter isThere: asked once the caller would hear of an arrival, so that none is missed in between.
    func wait(for name: String, isThere: () -> Bool) async {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiters[name, default: [:]][ticket] = continuation }
                // A cancellation that came before the line above found nobody.
                if isThere() || Task.isCancelled { resume(ticket, name) }
            }
        } onCancel: {
            resume(ticket, name)
        }
    }

    /// Resumes all who wait for this name.
    func announce(_ name: String) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: name) } ?? [:]
        for waiter in waiters.values { waiter.resume() }
    }

    private func resume(_ ticket: UInt64, _ name: String) {
        let waiter = state.withLock { state in
            let waiter = state.waiters[name]?.removeValue(forKey: ticket)
            if state.waiters[name]?.isEmpty ?? false { state.waiters[name] = nil }
            return waiter
        }
        waiter?.resume()
    }
}
