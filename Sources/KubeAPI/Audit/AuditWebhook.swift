import KubeObject
public import Logging
public import ServiceLifecycle
import Synchronization

/// Takes batches of audit events somewhere else.
public protocol AuditReceiver: Sendable {
    /// Sends an `EventList` of `audit.k8s.io/v1`, as JSON.
    ///
    /// - Returns: whether it was taken, or trying again is of no use.
    /// - Throws: when it may be taken later.
    func send(_ events: [UInt8]) async throws -> Bool
}

/// Sends audit events to a receiver, in batches, beside the file.
///
/// Concurrency: any task appends, and waits for nothing. One task sends, one batch after the other; a batch that isn't taken is
/// sent again after a pause that grows, while what comes meanwhile waits, within bounds, or is dropped and told of.
public final class AuditWebhook: Service {
    /// When batches are sent.
    struct Pace: Sendable {
        /// So long the first event of a batch waits for others at most.
        var patience = Duration.seconds(5)
        /// How often it is looked whether there are enough.
        var look = Duration.milliseconds(250)
        /// Between two batches.
        var pause = Duration.milliseconds(100)
        /// After a failure; twice as long after each further one, up to the second.
        var backOff = Duration.seconds(1)...Duration.seconds(60)
    }

    private struct State {
        var buffer: AuditBuffer
        var isClosing = false
    }

    private let receiver: any AuditReceiver
    private let pace: Pace
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<State>
    private let (arrivals, arrival) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameter receiver: where the events go.
    public convenience init(receiver: any AuditReceiver, logger: Logger) {
        self.init(receiver: receiver, limits: .init(), pace: .init(), clock: ContinuousClock(), logger: logger)
    }

    init(receiver: any AuditReceiver, limits: AuditBuffer.Limits, pace: Pace, clock: any Clock<Duration>, logger: Logger) {
        self.receiver = receiver
        self.pace = pace
        self.clock = clock
        self.logger = logger
        self.state = Mutex(State(buffer: AuditBuffer(limits)))
    }

    func append(_ event: JSON, encoded: [UInt8]) {
        self.state.withLock { $0.buffer.append(event, encoded: encoded) }
        self.arrival.yield()
    }

    /// Sends until the server is shut down; what is left then is tried once.
    public func run() async throws {
        await withGracefulShutdownHandler {
            for await _ in self.arrivals {
                await self.gather()
                while !self.isClosing, await self.sendNext(tries: .max) { await self.sleep(self.pace.pause) }
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isClosing = true }
            self.arrival.finish()
        }
        while await self.sendNext(tries: 1) {}
    }

    private var isClosing: Bool { self.state.withLock { $0.isClosing } }

    /// Returns when there is a batch, or the first event has waited long enough.
    private func gather() async {
        var waited = Duration.zero
        while waited < self.pace.patience {
            if self.state.withLock({ $0.buffer.isFull || $0.buffer.isEmpty || $0.isClosing }) { return }
            await self.sleep(self.pace.look)
            waited += self.pace.look
        }
    }

    /// - Returns: whether there may be more to send.
    private func sendNext(tries: Int) async -> Bool {
        let (batch, dropped) = self.state.withLock { ($0.buffer.take(), $0.buffer.takeDropped()) }
        if dropped > 0 {
            self.logger.error(
                "Audit events weren't sent, because too many wait or they are too large", metadata: ["count": "\(dropped)"])
        }
        guard let batch else { return false }
        var delay = self.pace.backOff.lowerBound
        var left = tries
        while true {
            do {
                if try await self.receiver.send(batch) { return true }
                self.logger.error("A batch of audit events was refused by its receiver, and is dropped")
                return true
            } catch {
                left -= 1
                self.logger.warning("Audit events couldn't be sent", metadata: ["error": "\(error)", "again": "\(left > 0)"])
                // Who is to end tries no longer; nor once it was told to meanwhile.
                guard left > 0, !self.isClosing else { return left > 0 }
            }
            await self.sleep(delay)
            delay = min(delay * 2, self.pace.backOff.upperBound)
        }
    }

    private func sleep(_ duration: Duration) async {
        // Cancelled: what is left is tried without waiting.
        try? await self.clock.sleep(for: duration)
    }
}
