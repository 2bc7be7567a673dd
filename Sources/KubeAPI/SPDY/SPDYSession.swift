import KubeRegistry
import Synchronization

/// Runs an SPDY/3.1 connection over an upgraded one: reads it, and gives its streams to who wants them.
///
/// Concurrency: one task runs ``run(accepts:opened:)``; it alone writes what compresses headers, so the order of those is kept.
/// Streams may be written by other tasks meanwhile. What all streams' readers haven't taken yet is bounded together; when it is too
/// much, the connection isn't read until somebody takes some.
final class SPDYSession: Sendable {
    private struct State {
        var connection = SPDYConnection()
        var streams: [UInt32: SPDYStream] = [:]
    }

    private let transport: any ByteSession
    private let budget = ByteBudget(limit: 1 << 20)
    private let state = Mutex(State())

    init(_ transport: any ByteSession) {
        self.transport = transport
    }

    /// Reads until the peer ends the connection. Then, or when it throws, all streams are ended.
    /// - Parameters:
    ///   - accepts: whether a stream with such headers is wanted; if not, it is reset.
    ///   - opened: called when the peer has been told that its stream was taken; from then on it may be written.
    func run(
        accepts: @Sendable (_ headers: [String: String]) -> Bool, opened: @Sendable (SPDYStream) -> Void
    ) async throws {
        defer { self.endStreams() }
        while let bytes = try await self.transport.receive() {
            let events: [SPDYConnection.Event]
            let output: [UInt8]
            do {
                (events, output) = try self.state.withLock { state in
                    let events = try state.connection.receive(bytes)
                    return (events, state.connection.takeOutput())
                }
            } catch {
                try await self.transport.send(self.state.withLock { $0.connection.goAway(isError: true) })
                throw error
            }
            if !output.isEmpty { try await self.transport.send(output) }
            for event in events {
                switch event {
                case .opened(let id, let headers): try await self.open(id, headers, accepts: accepts, opened: opened)
                case .data(let id, let piece): await self.stream(id)?.input.give(piece)
                case .finished(let id): self.stream(id)?.input.finish()
                case .reset(let id): self.forget(id)?.end()
                case .goAway: break
                }
            }
            await self.budget.waitForRoom()
        }
    }

    /// Tells the peer that no more streams are taken.
    func goAway() async throws {
        try await self.transport.send(self.state.withLock { $0.connection.goAway() })
    }

    private func open(
        _ id: UInt32, _ headers: [String: String], accepts: (_ headers: [String: String]) -> Bool, opened: (SPDYStream) -> Void
    ) async throws {
        guard accepts(headers) else {
            return try await self.transport.send(self.state.withLock { $0.connection.reset(id, .cancel) })
        }
        let stream = SPDYStream(id: id, headers: headers, input: ByteHandoff(limit: .max, budget: self.budget), session: self)
        let reply = try self.state.withLock { state in
            state.streams[id] = stream
            return try state.connection.reply(to: id)
        }
        try await self.transport.send(reply)
        opened(stream)
    }

    private func stream(_ id: UInt32) -> SPDYStream? {
        self.state.withLock { $0.streams[id] }
    }

    @discardableResult
    fileprivate func forget(_ id: UInt32) -> SPDYStream? {
        self.state.withLock { $0.streams.removeValue(forKey: id) }
    }

    private func endStreams() {
        let streams = self.state.withLock { state in
            defer { state.streams = [:] }
            return state.streams.values
        }
        for stream in streams { stream.end() }
    }

    // MARK: For streams

    fileprivate func send(_ id: UInt32, _ bytes: ArraySlice<UInt8>, isLast: Bool) async throws {
        let frame = self.state.withLock { $0.connection.data(id, bytes, isLast: isLast) }
        guard let frame else { throw SPDYStream.Ended() }
        try await self.transport.send(frame)
    }

    fileprivate func reset(_ id: UInt32) async throws {
        let frame = self.state.withLock { state in
            state.streams[id] = nil
            return state.connection.reset(id, .cancel)
        }
        if !frame.isEmpty { try await self.transport.send(frame) }
    }
}

/// One stream of a connection. One task reads its input, one writes.
final class SPDYStream: ByteSink {
    /// Nothing can be sent any more.
    struct Ended: Error {}

    private static let pieceSize = 32 << 10

    let id: UInt32
    /// With names in lower case.
    let headers: [String: String]
    /// What the peer sends, to its end.
    let input: ByteHandoff
    /// Fires when the peer, or the connection's end, has ended the stream both ways.
    let ended = CloseSignal()
    private let session: SPDYSession

    fileprivate init(id: UInt32, headers: [String: String], input: ByteHandoff, session: SPDYSession) {
        self.id = id
        self.headers = headers
        self.input = input
        self.session = session
    }

    fileprivate func end() {
        self.input.finish()
        self.ended.fire()
    }

    func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try await self.session.send(self.id, rest.prefix(Self.pieceSize), isLast: false)
            rest = rest.dropFirst(Self.pieceSize)
        }
    }

    func finish() async {
        do {
            try await self.session.send(self.id, [], isLast: true)
        } catch {
            // The end was said already, or there is nobody left to hear it.
        }
    }

    /// Says that nothing follows, and drops what the peer may still send.
    func close() async {
        await self.finish()
        self.input.discard()
        self.session.forget(self.id)
    }

    /// Ends the stream at once, both ways.
    func reset() async {
        self.input.discard()
        do {
            try await self.session.reset(self.id)
        } catch {
            // The connection is gone, and the stream with it.
        }
    }
}
