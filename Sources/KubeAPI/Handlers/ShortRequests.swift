import Dispatch
import Synchronization

/// Knows whether somebody waits for short answers just now, so that who sends a long one can leave the processors to them in between.
final class ShortRequests: Sendable {
    private let last = Atomic<UInt64>(0)
    private let now: @Sendable () -> UInt64

    /// For so long after a request its client is taken to ask on, in nanoseconds.
    static let memory: UInt64 = 100_000_000

    /// - Parameter now: nanoseconds that only grow.
    init(now: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }) {
        self.now = now
    }

    /// Notes that one has come.
    func note() { self.last.store(self.now(), ordering: .relaxed) }

    /// Whether there has been any.
    var hasBeenAny: Bool { self.last.load(ordering: .relaxed) > 0 }

    var areRecent: Bool { self.hasBeenAny && self.now() &- self.last.load(ordering: .relaxed) < Self.memory }

    /// Gives way, after a piece of a long answer: for a millisecond to clients that wait for short ones, otherwise to other long ones.
    ///
    /// A piece costs its peer, on the same machine, as much as this server; without breaks every thread that has a part in a short
    /// answer finds the processors taken, and waits for its turn.
    ///
    /// - Throws: when the task is cancelled.
    func giveWay() async throws {
        if self.areRecent { try await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
    }
}
