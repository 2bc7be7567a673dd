import HTTPTypes
import KubeObject
import NIOCore
import NIOWebSocket
import ServiceLifecycle

/// Answers one request. Never throws: an error is an answer as well.
typealias Responder = @Sendable (APIRequest) async -> APIResponse

extension HTTPSChannel {
    /// Reads requests from a wire and writes their answers, one after the other, until either side ends it.
    func serve(_ wire: Wire, _ connection: ClientConnection) async throws {
        try await wire.serve {
            let source = PartSource(wire)
            while let part = try await source.next() {
                guard case .head(let head, let isFinal) = part else { throw WireError.unexpectedPart }
                source.beginBody()
                let request = APIRequest(
                    method: head.method, target: head.path ?? "/", authority: head.authority ?? "", headers: head.headerFields,
                    body: RequestBody { limit throws(StatusError) in
                        try await source.collect(limit: limit)
                    } piece: {
                        try await source.bodyPiece()
                    },
                    connection: connection)
                let response = await self.responder(request)
                let isLast = isFinal || source.isBodyTooLarge
                let goesOn = try await self.send(response, to: request, wire, source, isFinal: isLast)
                guard goesOn, !isLast, try await source.drain(limit: 256 << 10) else { return }
            }
        }
    }

    /// Returns false when the wire can't be used any more.
    private func send(
        _ response: APIResponse, to request: APIRequest, _ wire: Wire, _ source: PartSource, isFinal: Bool
    ) async throws -> Bool {
        var head = HTTPResponse(status: .init(code: response.status), headerFields: response.headers)
        switch response.body {
        case .bytes(let bytes):
            let hasBody = response.status >= 200 && response.status != 204 && response.status != 304
            if hasBody { head.headerFields[fields: .contentLength] = [.passing(.contentLength, String(bytes.count))] }
            if hasBody, !bytes.isEmpty, request.method != .head {
                try await wire.write(contentsOf: [
                    .head(head, isFinal: isFinal), .body(ByteBuffer(bytes: bytes)), .end,
                ])
            } else {
                try await wire.write(contentsOf: [.head(head, isFinal: isFinal), .end])
            }
            return true
        case .stream(let isEndless, let weight, let write):
            try await wire.write(.head(head, isFinal: isFinal))
            if request.method != .head {
                try await Self.untilClosed(wire, isEndless: isEndless) {
                    let writer = WireWriter(wire: wire)
                    switch weight {
                    case .light: try await write(writer)
                    case .usual: try await offEventLoop { try await write(writer) }
                    case .heavy:
                        try await withTaskExecutorPreference(BulkExecutor.shared) { try await write(writer) }
                    }
                }
            }
            try await wire.write(.end)
            return true
        case .webSocket(let subprotocol, let run):
            guard try await source.drain(limit: 0) else { return false }
            head.headerFields = WebSocketHandshake.responseHeaders(for: request, subprotocol: subprotocol)
            for field in response.headers { head.headerFields.append(field) }
            head.status = .switchingProtocols
            try await wire.write(.upgrade(head, .webSocket))
            try await Self.untilClosed(wire, isEndless: true) {
                try await offEventLoop { try await run(WireWebSocket(source: source, wire: wire)) }
            }
            return false
        case .upgrade(let run):
            guard try await source.drain(limit: 0) else { return false }
            try await wire.write(.upgrade(head, .bytes))
            try await Self.untilClosed(wire, isEndless: true) {
                try await offEventLoop { try await run(WireBytes(source: source, wire: wire)) }
            }
            return false
        case .exchange(let run):
            let exchange = WireExchange(headers: response.headers, isFinal: isFinal, source: source, wire: wire)
            try await wire.write(.patience)
            try await Self.untilClosed(wire, isEndless: true) {
                try await offEventLoop { exchange.end(with: try await run(exchange)) }
            }
            switch exchange.outcome {
            case .ended:
                try await wire.write(.end)
                return true
            case .instead(var other):
                for field in response.headers where other.headers[field.name] == nil { other.headers.append(field) }
                return try await self.send(other, to: request, wire, source, isFinal: isFinal)
            case .open, .begun, .upgraded: return false
            }
        }
    }

    /// Does something that lasts, but no longer than the wire, nor, when it is endless, than the server's normal life.
    private static func untilClosed(_ wire: Wire, isEndless: Bool, _ body: @escaping @Sendable () async throws -> Void)
        async throws
    {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                await wire.closed.wait()
                return false
            }
            if isEndless {
                group.addTask {
                    do { try await gracefulShutdown() } catch is CancellationError {}
                    return false
                }
            }
            defer { group.cancelAll() }
            let isDone = try await group.next() ?? true
            guard !isDone else { return }
            // Closed or shutting down: the body is cancelled and what it throws then is no news.
            group.cancelAll()
            do { while try await group.next() != nil {} } catch {}
            if wire.closed.hasFired { throw WireError.closed }
        }
    }
}

enum WireError: Error {
    case unexpectedPart
    case closed
    case tooLarge
}

/// A wire's incoming parts, with the bounds of the current request's body kept.
///
/// `@unchecked Sendable`: `isInBody` and `isBodyTooLarge` are only touched by whoever reads the wire, and that is one at a
/// time: the request loop before and after a request's handler, and in between the handler's task (its body, or its WebSocket).
final class PartSource: @unchecked Sendable {
    private let wire: Wire
    private var isInBody = false
    private(set) var isBodyTooLarge = false

    init(_ wire: Wire) {
        self.wire = wire
    }

    func next() async throws -> InboundPart? {
        try await self.wire.next()
    }

    func beginBody() {
        self.isInBody = true
    }

    func collect(limit: Int) async throws(StatusError) -> [UInt8] {
        var collected = ByteBuffer()
        do {
            while self.isInBody, let part = try await self.next() {
                switch part {
                case .body(var bytes):
                    guard collected.readableBytes + bytes.readableBytes <= limit else {
                        self.isBodyTooLarge = true
                        throw WireError.tooLarge
                    }
                    collected.writeBuffer(&bytes)
                case .end: self.isInBody = false
                case .head, .frame: throw WireError.unexpectedPart
                }
            }
        } catch WireError.tooLarge {
            throw RequestBody.tooLarge(limit: limit)
        } catch {
            throw StatusError.badRequest("the request's body could not be read: \(error)")
        }
        guard !self.isInBody else { throw StatusError.badRequest("unexpected EOF") }
        return Array(collected.readableBytesView)
    }

    /// The next piece of the request's body, or nil at its end.
    func bodyPiece() async throws -> [UInt8]? {
        guard self.isInBody else { return nil }
        switch try await self.next() {
        case .body(let bytes): return Array(bytes.readableBytesView)
        case .end:
            self.isInBody = false
            return nil
        case nil: throw WireError.closed
        case .head, .frame: throw WireError.unexpectedPart
        }
    }

    /// Reads what nobody asked for of the request's body.
    /// - Returns: false when there is more of it than is worth reading, or the wire has ended.
    func drain(limit: Int) async throws -> Bool {
        var left = limit
        while self.isInBody {
            switch try await self.next() {
            case .body(let bytes):
                left -= bytes.readableBytes
                guard left >= 0 else { return false }
            case .end: self.isInBody = false
            case .head, .frame, nil: return false
            }
        }
        return true
    }
}

/// Writes a streamed body to a wire.
struct WireWriter: PushingWriter {
    let wire: Wire

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await self.wire.write(.body(ByteBuffer(bytes: bytes)))
    }

    func push(_ source: any PushSource) async throws {
        let push = WirePush(source)
        try await self.wire.write(.push(push))
        await push.wait()
    }
}

/// The bytes of a wire that has been upgraded.
struct WireBytes: ByteSession {
    let source: PartSource
    let wire: Wire

    func receive() async throws -> [UInt8]? {
        guard let part = try await self.source.next() else { return nil }
        guard case .body(let bytes) = part else { throw WireError.unexpectedPart }
        return Array(bytes.readableBytesView)
    }

    func send(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await self.wire.write(.body(ByteBuffer(bytes: bytes)))
    }
}

/// A WebSocket on a wire.
private struct WireWebSocket: WebSocketSession {
    let source: PartSource
    let wire: Wire

    func receive() async throws -> WebSocketMessage? {
        guard let part = try await self.source.next() else { return nil }
        guard case .frame(let frame) = part else { throw WireError.unexpectedPart }
        switch frame.opcode {
        case .connectionClose: return .close
        case .continuation: return .data(Array(frame.unmaskedData.readableBytesView), isStart: false)
        default: return .data(Array(frame.unmaskedData.readableBytesView), isStart: true)
        }
    }

    func send(_ bytes: [UInt8]) async throws {
        try await self.wire.write(.frame(WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: bytes))))
    }

    func send(text: String) async throws {
        try await self.wire.write(.frame(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text))))
    }

    func close(code: UInt16, reason: String) async throws {
        var data = ByteBuffer(integer: code)
        data.writeString(String(decoding: reason.utf8.prefix(120), as: UTF8.self))
        try await self.wire.write(.frame(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)))
    }
}
