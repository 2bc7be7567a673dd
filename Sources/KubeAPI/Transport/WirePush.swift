import NIOCore
import Synchronization

/// A source on its way to a wire, and the wait for its end.
package final class WirePush: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Void, Never>)
        case ended
    }

    let source: any PushSource
    private let state = Mutex(State.open)

    init(_ source: any PushSource) {
        self.source = source
    }

    var hasEnded: Bool {
        self.state.withLock { state in
            if case .ended = state { true } else { false }
        }
    }

    /// Nothing is written any more.
    func end() {
        let waiting = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .ended }
            if case .awaited(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume()
    }

    /// Returns when it has ended. Cancelling the task ends it, also where no wire ever got it.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasEnded = self.state.withLock { state in
                    if case .ended = state { return true }
                    state = .awaited(continuation)
                    return false
                }
                if hasEnded { continuation.resume() }
            }
        } onCancel: {
            self.source.finish()
            self.end()
        }
    }
}

/// Fetches from a source for a wire, whenever something waits and the wire takes it.
///
/// Confined to its event loop.
final class WirePump {
    /// How much is sent before it is others' turn.
    private static let share = 256 << 10

    private let push: WirePush
    private let framing: PushFraming
    private let loop: any EventLoop
    private let queue: PumpQueue
    private let isWritable: () -> Bool
    private let write: (ByteBuffer) -> Void
    private let flush: () -> Void

    init(
        _ push: WirePush, framing: PushFraming, loop: any EventLoop, queue: PumpQueue, isWritable: @escaping () -> Bool,
        write: @escaping (ByteBuffer) -> Void, flush: @escaping () -> Void
    ) {
        self.push = push
        self.framing = framing
        self.loop = loop
        self.queue = queue
        self.isWritable = isWritable
        self.write = write
        self.flush = flush
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.push.source.listen { [queue] in queue.post(bound) }
        self.run()
    }

    /// Sends what waits, as far as the wire takes it.
    func run() {
        var written = 0
        while !self.push.hasEnded, self.isWritable() {
            guard written < Self.share else {
                self.queue.post(NIOLoopBound(self, eventLoop: self.loop))
                break
            }
            switch self.push.source.take(self.framing) {
            case .bytes(let bytes):
                written += bytes.readableBytes
                self.write(bytes)
                continue
            case .nothing: break
            case .end(let bytes):
                written += bytes.readableBytes
                if bytes.readableBytes > 0 { self.write(bytes) }
                self.push.end()
            }
            break
        }
        if written > 0 { self.flush() }
    }

    /// The wire is closed.
    func stop() {
        self.push.source.finish()
        self.push.end()
    }
}

/// The pumps of one event loop that have something to do: however many an event wakes, the loop is woken once.
final class PumpQueue: Sendable {
    /// How many run before the loop looks after its other connections.
    private static let share = 128

    private let loop: any EventLoop
    private let waiting = Mutex<[NIOLoopBound<WirePump>]>([])

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func post(_ pump: NIOLoopBound<WirePump>) {
        let isFirst = self.waiting.withLock { waiting in
            waiting.append(pump)
            return waiting.count == 1
        }
        if isFirst { self.loop.execute { self.run() } }
    }

    private func run() {
        let pumps = self.waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        self.run(pumps[...])
    }

    private func run(_ pumps: ArraySlice<NIOLoopBound<WirePump>>) {
        for pump in pumps.prefix(Self.share) { pump.value.run() }
        let rest = pumps.dropFirst(Self.share)
        if !rest.isEmpty { self.loop.execute { self.run(rest) } }
    }
}

/// Each event loop's queue.
final class PumpQueues: Sendable {
    private let queues = Mutex<[ObjectIdentifier: PumpQueue]>([:])

    func queue(of loop: any EventLoop) -> PumpQueue {
        self.queues.withLock { queues in
            let id = ObjectIdentifier(loop)
            if let queue = queues[id] { return queue }
            let queue = PumpQueue(loop)
            queues[id] = queue
            return queue
        }
    }
}
