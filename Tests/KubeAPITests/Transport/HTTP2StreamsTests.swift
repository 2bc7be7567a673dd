import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Synchronization
import Testing

@testable import KubeAPI

/// A client that sees frames, and the server's wires.
struct HTTP2StreamsTests {
    private let server = NIOAsyncTestingChannel()
    private let client = NIOAsyncTestingChannel()
    private let wires: AsyncStream<Wire>
    private let open = OpenStreams()

    /// The streams that the connection's keeper was told of.
    private final class OpenStreams: NIOHTTP2StreamDelegate {
        private let state = Mutex<(ids: Set<HTTP2StreamID>, wrong: Int)>(([], 0))

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
            self.state.withLock { if !$0.ids.insert(id).inserted { $0.wrong += 1 } }
        }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
            self.state.withLock { if $0.ids.remove(id) == nil { $0.wrong += 1 } }
        }

        var count: Int? { self.state.withLock { $0.wrong == 0 ? $0.ids.count : nil } }
    }

    init() async throws {
        let (server, open) = (self.server, self.open)
        self.wires = try await server.testingEventLoop.executeInContext {
            let streams = HTTP2StreamsHandler(timeouts: WireTimeouts(), pumps: PumpQueues(), delegate: open)
            var connection = NIOHTTP2Handler.ConnectionConfiguration()
            connection.initialSettings = [HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Stream.window)]
            try server.pipeline.syncOperations.addHandlers([
                NIOHTTP2Handler(
                    mode: .server, frameDelegate: streams, connectionConfiguration: connection, streamConfiguration: .init()),
                streams,
            ])
            return streams.wires
        }
        let client = self.client
        try await client.testingEventLoop.executeInContext {
            try client.pipeline.syncOperations.addHandler(NIOHTTP2Handler(mode: .client, headerBlockValidation: .disabled))
        }
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        try await client.connect(to: address).get()
        try await server.connect(to: address).get()
        #expect(try await self.exchange().isEmpty)
    }

    /// Carries bytes to and fro until there are none any more.
    ///
    /// - Returns: the frames of streams that the client has got.
    private func exchange() async throws -> [HTTP2Frame] {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            await self.server.testingEventLoop.run()
            while let bytes = try await self.client.readOutbound(as: ByteBuffer.self) {
                isQuiet = false
                // What is wrong with a stream is said at the pipeline's end, too.
                do { try await self.server.writeInbound(bytes) } catch is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName {}
            }
            await self.server.testingEventLoop.run()
            while let bytes = try await self.server.readOutbound(as: ByteBuffer.self) {
                try await self.client.writeInbound(bytes)
                isQuiet = false
            }
        }
        var frames: [HTTP2Frame] = []
        while let frame = try await self.client.readInbound(as: HTTP2Frame.self) {
            if frame.streamID != .rootStream { frames.append(frame) }
        }
        return frames
    }

    private func send(_ payload: HTTP2Frame.FramePayload, on stream: HTTP2StreamID = 1) async throws {
        try await self.client.writeOutbound(HTTP2Frame(streamID: stream, payload: payload))
    }

    private func send(
        _ method: String = "GET", path: String = "/version", isWhole: Bool = true, on stream: HTTP2StreamID = 1
    ) async throws -> Wire {
        let headers: HPACKHeaders = [
            ":method": method, ":scheme": "https", ":authority": "demo", ":path": path, "accept": "application/json",
        ]
        try await self.send(.headers(.init(headers: headers, endStream: isWhole)), on: stream)
        _ = try await self.exchange()
        return try #require(await self.wires.first { _ in true })
    }

    private func head(_ wire: Wire) async throws -> HTTPRequest {
        guard case .head(let head, isFinal: true) = try await wire.next() else { throw WireError.unexpectedPart }
        return head
    }

    private static func describe(_ frame: HTTP2Frame) -> String {
        switch frame.payload {
        case .headers(let content): "head \(content.headers[":status"].first ?? "")\(content.endStream ? " end" : "")"
        case .data(let content): "data \(content.data.readableBytes)\(content.endStream ? " end" : "")"
        case .rstStream(let code): "reset \(code.networkCode)"
        case .windowUpdate(let size): "room \(size)"
        default: "other"
        }
    }

    private func seen() async throws -> [String] { try await self.exchange().map(Self.describe) }

    private static func reset(_ code: NIOHTTP2.HTTP2ErrorCode) -> String { "reset \(code.networkCode)" }

    private static let ok = OutboundPart.head(HTTPResponse(status: .ok), isFinal: false)

    private static func body(_ count: Int) -> OutboundPart { .body(ByteBuffer(repeating: 120, count: count)) }

    // MARK: Requests and answers

    @Test func anAnswerTakesAsFewFramesAsItCan() async throws {
        var wire = try await self.send()
        let head = try await self.head(wire)
        #expect(head.method == .get && head.path == "/version" && head.authority == "demo")
        #expect(head.headerFields[.accept] == "application/json")
        guard case .end = try await wire.next() else { throw WireError.unexpectedPart }
        try await wire.write(contentsOf: [Self.ok, Self.body(5), .end])
        #expect(try await self.seen() == ["head 200", "data 5 end"])
        await wire.closed.wait()
        #expect(try await wire.next() == nil)

        wire = try await self.send(on: 3)
        try await wire.write(contentsOf: [Self.ok, .end])
        #expect(try await self.seen() == ["head 200 end"])

        wire = try await self.send(on: 5)
        for (part, frame) in [(Self.ok, "head 200"), (Self.body(3), "data 3"), (Self.body(4), "data 4"), (.end, "data 0 end")] {
            try await wire.write(part)
            #expect(try await self.seen() == [frame])
        }
    }

    @Test func trailersEndARequest() async throws {
        let wire = try await self.send("POST", isWhole: false)
        _ = try await self.head(wire)
        try await self.send(.data(.init(data: .byteBuffer(ByteBuffer(string: "hello")))))
        try await self.send(.headers(.init(headers: ["checksum": "1"], endStream: true)))
        _ = try await self.exchange()
        guard case .body(let bytes) = try await wire.next() else { throw WireError.unexpectedPart }
        #expect(String(buffer: bytes) == "hello")
        guard case .end = try await wire.next() else { throw WireError.unexpectedPart }
    }

    /// A client that still sends is told to stop when the answer is out, and gets the answer.
    @Test func anEarlyAnswerArrivesWhole() async throws {
        let wire = try await self.send("POST", isWhole: false)
        async let served: Void = wire.serve { try await wire.write(contentsOf: [Self.ok, Self.body(100_000), .end]) }
        var seen: [String] = []
        while seen.isEmpty { seen = try await self.seen() }
        #expect(seen.first == "head 200" && !seen.contains { $0.contains("end") || $0.contains("reset") })
        try await self.send(.windowUpdate(windowSizeIncrement: 100_000))
        try await self.send(.windowUpdate(windowSizeIncrement: 100_000), on: .rootStream)
        seen = try await self.seen()
        try await served
        seen += try await self.seen()
        #expect(seen.suffix(2).first?.hasSuffix("end") ?? false)
        #expect(seen.last == Self.reset(.noError))
        #expect(wire.closed.hasFired)
    }

    // MARK: Windows

    @Test func roomIsGivenAsFarAsABodyIsRead() async throws {
        let wire = try await self.send("POST", isWhole: false)
        _ = try await self.head(wire)
        let frame = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(ByteBuffer(repeating: 0, count: 16_000))))
        func seen(after count: Int) async throws -> [String] {
            var seen: [String] = []
            for _ in 0..<count {
                try await self.send(frame)
                seen += try await self.seen()
            }
            return seen
        }
        #expect(try await seen(after: 8) == [])
        #expect(try await seen(after: 1) == ["room 144000"])
        // So many parts wait now that there is no more room, until most of them were taken.
        #expect(try await seen(after: 12) == [])
        for _ in 0..<18 { _ = try await wire.next() }
        #expect(try await self.seen() == [])
        _ = try await wire.next()
        #expect(try await self.seen() == ["room 192000"])
    }

    @Test func whoWritesWaitsForTheClient() async throws {
        let wire = try await self.send()
        try await wire.write(contentsOf: [Self.ok, Self.body(60_000)])
        let writer = Task { try await wire.write(contentsOf: [Self.body(80_000)]) }
        let first = try await self.exchange()
        let sent = first.reduce(0) { sum, frame in
            if case .data(let content) = frame.payload { sum + content.data.readableBytes } else { sum }
        }
        #expect(sent == 65_535)
        let isDone = Task {
            try await writer.value
            return true
        }
        try await self.send(.windowUpdate(windowSizeIncrement: 200_000), on: .rootStream)
        try await self.send(.windowUpdate(windowSizeIncrement: 200_000))
        _ = try await self.exchange()
        #expect(try await isDone.value)
    }

    // MARK: Ends

    /// NIO tells the end also of a stream that never began.
    @Test func whatIsNoRequestIsNoStream() async throws {
        let headers: HPACKHeaders = [":method": "GET", ":scheme": "https", ":authority": "demo", ":path": "/", "Upper": "case"]
        try await self.send(.headers(.init(headers: headers, endStream: true)))
        #expect(try await self.seen() == [Self.reset(.protocolError)])
        #expect(self.open.count == 0)
        let wire = try await self.send(on: 3)
        #expect(self.open.count == 1)
        try await wire.write(contentsOf: [Self.ok, .end])
        #expect(try await self.seen() == ["head 200 end"])
        #expect(self.open.count == 0)
    }

    @Test func aClientThatResetsEndsTheWire() async throws {
        let wire = try await self.send("POST", isWhole: false)
        _ = try await self.head(wire)
        try await self.send(.rstStream(.cancel))
        _ = try await self.exchange()
        await #expect(throws: NIOHTTP2Errors.StreamClosed.self) { try await wire.next() }
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await wire.write(Self.ok) }
        #expect(wire.closed.hasFired)
        // Who serves it has nothing to reset any more.
        try await wire.serve {}
        #expect(try await self.seen() == [])
    }

    @Test func aBodyThatDoesNotComeIsNotWaitedFor() async throws {
        let wire = try await self.send("POST", isWhole: false)
        await self.server.testingEventLoop.advanceTime(by: .seconds(59))
        #expect(try await self.seen() == [])
        await self.server.testingEventLoop.advanceTime(by: .seconds(2))
        #expect(try await self.seen() == [Self.reset(.cancel)])
        #expect(wire.closed.hasFired)

        let patient = try await self.send("POST", isWhole: false, on: 3)
        try await patient.write(.patience)
        await self.server.testingEventLoop.advanceTime(by: .seconds(600))
        #expect(try await self.seen() == [])
        #expect(!patient.closed.hasFired)
    }

    @Test func whatIsNotServedIsReset() async throws {
        do { _ = try await self.send() }
        #expect(try await self.seen() == [Self.reset(.cancel)])
        let wire = try await self.send(on: 3)
        await #expect(throws: WireError.self) { try await wire.serve { throw WireError.tooLarge } }
        #expect(try await self.seen() == [Self.reset(.cancel)])
        // It can't become a WebSocket.
        let other = try await self.send(on: 5)
        try await other.write(.upgrade(HTTPResponse(status: .switchingProtocols), .webSocket))
        #expect(try await self.seen() == [Self.reset(.http11Required)])
    }

    /// Nobody waits for an answer that can't be sent.
    @Test func anAnswerThatIsNoneResets() async throws {
        let wire = try await self.send()
        let fields: HTTPFields = [.connection: "close"]
        try await wire.write(contentsOf: [.head(HTTPResponse(status: .ok, headerFields: fields), isFinal: false), .end])
        #expect(try await self.seen() == [Self.reset(.internalError)])
        #expect(wire.closed.hasFired)
    }

    @Test func theirConnectionTakesThemAlong() async throws {
        let wire = try await self.send()
        try await self.server.close()
        #expect(wire.closed.hasFired)
        _ = try await self.head(wire)
        guard case .end = try await wire.next() else { throw WireError.unexpectedPart }
        #expect(try await wire.next() == nil)
        #expect(await self.wires.first { _ in true } == nil)
    }
}
