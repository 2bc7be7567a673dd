import Logging
import NIOPosix
import Synchronization

/// Has the kernel forget connections, behind the rules' back: a walk through its table takes long, and nobody waits for it.
/// What the rules forbid is forbidden already; this is for addresses and endpoints that somebody else has next.
final class ConnectionSweeper: Sendable {
    private let filters = Mutex<Set<Conntrack.Filter>>([])
    private let wakeups: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    private let forget: @Sendable (Set<Conntrack.Filter>) throws -> Void
    private let logger: Logger

    /// How long after a walk the next one begins at the earliest.
    private static let pause: Duration = .milliseconds(100)

    init(forget: @escaping @Sendable (Set<Conntrack.Filter>) throws -> Void, logger: Logger) {
        self.forget = forget
        self.logger = logger
        (wakeups, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func post(_ more: [Conntrack.Filter]) {
        guard !more.isEmpty else { return }
        filters.withLock { $0.formUnion(more) }
        bell.yield()
    }

    /// Works until its task is cancelled.
    func run() async {
        for await _ in wakeups {
            let batch = filters.withLock { filters in
                defer { filters = [] }
                return filters
            }
            do {
                try await NIOThreadPool.singleton.runIfActive { [forget] in try forget(batch) }
                try await Task.sleep(for: Self.pause)
            } catch is CancellationError {
                return
            } catch {
                logger.warning("Can't end old connections of a pod's address.", metadata: ["error": "\(error)"])
            }
        }
    }
}
