import NIOCore
import Synchronization

/// The parts that go out on a wire, on their way from its task to its event loop.
///
/// Who runs on the event loop writes at once. Others leave what they write for the loop to fetch; however much is left until it does, it is
/// told once. Who writes waits while the carrier is full, or much is left.
final class WireOutbox: Sendable {
    /// How many parts may be left for the loop.
    private static let most = 8

    private struct State {
        var parts: [OutboundPart] = []
        var isWritable = true
        var ending: (any Error)?
        var writers: [Int: UnsafeContinuation<Void, any Error>] = [:]
        var next = 0

        var takesMore: Bool { isWritable && parts.count < WireOutbox.most }

        mutating func takeWriters() -> [UnsafeContinuation<Void, any Error>] {
            guard !writers.isEmpty else { return [] }
            defer { writers = [:] }
            return Array(writers.values)
        }
    }

    private enum Step { case send, fetch, tell, none }

    private let carrier: any WireCarrier
    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ carrier: any WireCarrier) {
        self.carrier = carrier
        self.loop = carrier.eventLoop
    }

    // MARK: The event loop

    func note(isWritable: Bool) {
        let writers = self.state.withLock { state in
            state.isWritable = isWritable
            return state.takesMore ? state.takeWriters() : []
        }
        for writer in writers { writer.resume() }
    }

    /// Nothing can be written any more.
    func finish(_ error: any Error) {
        let writers = self.state.withLock { state -> [UnsafeContinuation<Void, any Error>] in
            guard state.ending == nil else { return [] }
            state.ending = error
            state.parts = []
            return state.takeWriters()
        }
        for writer in writers { writer.resume(throwing: error) }
    }

    /// Writes what others have left.
    private func fetch() {
        let parts = self.state.withLock { state in
            defer { state.parts = [] }
            return state.parts
        }
        if !parts.isEmpty { self.send(parts) }
        let writers = self.state.withLock { $0.takesMore ? $0.takeWriters() : [] }
        for writer in writers { writer.resume() }
    }

    private func send(_ parts: some Sequence<OutboundPart>) {
        for part in parts { self.carrier.write(part) }
        self.carrier.flush()
    }

    // MARK: Tasks

    /// Returns when the carrier takes more. What was given goes out in any case, unless the carrier is closed.
    /// - Throws: why the carrier is closed, or `CancellationError`.
    func write(_ parts: some Collection<OutboundPart> & Sendable) async throws {
        let isInLoop = self.loop.inEventLoop
        let step = try self.state.withLock { state -> Step in
            if let ending = state.ending { throw ending }
            if isInLoop, state.parts.isEmpty { return .send }
            defer { state.parts += parts }
            return isInLoop ? .fetch : state.parts.isEmpty ? .tell : .none
        }
        switch step {
        case .send: self.send(parts)
        case .fetch: self.fetch()
        case .tell: self.loop.execute { self.fetch() }
        case .none: break
        }
        if self.state.withLock({ !$0.takesMore }) { try await self.wait() }
    }

    private func wait() async throws {
        let id = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { writer in
                let outcome = self.state.withLock { state -> Result<Void, any Error>? in
                    if let ending = state.ending { return .failure(ending) }
                    if state.takesMore { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.writers[id] = writer
                    return nil
                }
                if let outcome { writer.resume(with: outcome) }
            }
        } onCancel: {
            self.state.withLock { $0.writers.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    /// Closes the carrier after what was written.
    func close() {
        if self.loop.inEventLoop {
            self.fetch()
            self.carrier.close()
        } else {
            self.loop.execute {
                self.fetch()
                self.carrier.close()
            }
        }
    }
}
