import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2

/// One request and its response on an HTTP/2 connection: translates frames to wire parts and back, keeps the stream's windows, and resets a
/// stream whose request's body doesn't come.
///
/// `@unchecked Sendable`: everything but `eventLoop` and `resumeReading` is confined to the connection's event loop.
final class HTTP2Stream: WireCarrier, @unchecked Sendable {
    /// How many bytes of a request's body a client may send before the task has taken some.
    static let window = 256 << 10
    /// With more than `most` bytes waiting to be sent, nothing more is taken; with `few` it goes on.
    private static let (most, few) = (64 << 10, 16 << 10)

    private enum Request { case awaited, receiving, complete }

    private enum Response {
        case awaited, begun
        /// Its end is written.
        case ended
        /// Its end has passed the client's windows.
        case sent
    }

    /// A frame's content that isn't written yet, since it may be the last one of the response.
    private enum Held {
        case head(HPACKHeaders)
        case bytes(ByteBuffer)
    }

    let eventLoop: any EventLoop
    private let id: HTTP2StreamID
    /// Nil when the stream is over.
    private var connection: HTTP2StreamsHandler?
    private var ends: WireEnds?
    private var request = Request.awaited
    private var response = Response.awaited
    private var held: Held?
    /// The bytes that have come since the client was last given room for more.
    private var owed = 0
    /// The bytes that wait for the client's windows, or for the connection.
    private var unsent = 0
    private var isFull = false
    private var isWritable = true
    /// Nobody serves it any more.
    private var isClosing = false
    private var isPatient = false
    private var timer: Scheduled<Void>?
    private var pump: WirePump?

    init(_ id: HTTP2StreamID, of connection: HTTP2StreamsHandler, on eventLoop: any EventLoop) {
        self.id = id
        self.connection = connection
        self.eventLoop = eventLoop
    }

    /// The wire of this stream. To be called once.
    func makeWire() -> Wire {
        let wire = Wire(over: self)
        self.ends = wire.ends
        self.updateWritability()
        return wire
    }

    // MARK: What comes

    func receive(_ payload: HTTP2Frame.FramePayload) {
        switch payload {
        case .headers(let content):
            if self.request == .awaited {
                guard let head = Self.request(content.headers) else { return self.reset(.protocolError) }
                self.request = .receiving
                self.ends?.inbox.receive(.head(head, isFinal: true))
            }
            // Others are trailers, which nobody asks for.
            if content.endStream { self.complete() }
        case .data(let content):
            guard case .byteBuffer(let bytes) = content.data else { return }
            if bytes.readableBytes > 0 { self.ends?.inbox.receive(.body(bytes)) }
            if content.endStream { return self.complete() }
            self.owed += bytes.readableBytes + (content.paddingBytes.map { $0 + 1 } ?? 0)
            self.giveRoom()
        default: break
        }
    }

    private func complete() {
        self.request = .complete
        self.timer?.cancel()
        self.timer = nil
        self.ends?.inbox.receive(.end)
    }

    /// Most requests come as a whole, and need no timer.
    func awaitBody(_ patience: TimeAmount) {
        guard self.connection != nil, self.request == .receiving, !self.isPatient, self.timer == nil else { return }
        self.timer = self.eventLoop.scheduleTask(in: patience) { self.reset(.cancel) }
    }

    private func giveRoom() {
        guard self.request == .receiving, self.owed >= Self.window / 2, let connection, let ends, !ends.inbox.holdsRead() else {
            return
        }
        connection.send(.windowUpdate(windowSizeIncrement: self.owed), on: self.id)
        self.owed = 0
        connection.flush()
    }

    func resumeReading() {
        self.eventLoop.execute { self.giveRoom() }
    }

    /// The stream is over.
    func finish(_ error: (any Error)?) {
        guard let ends else { return }
        self.ends = nil
        self.connection = nil
        self.held = nil
        self.timer?.cancel()
        self.timer = nil
        self.pump?.stop()
        self.pump = nil
        ends.finish(error)
    }

    // MARK: What goes

    func write(_ part: OutboundPart) {
        guard self.connection != nil else { return }
        switch part {
        case .head(let response, _):
            guard self.response == .awaited else { return self.reset(.internalError) }
            self.response = .begun
            self.held = .head(Self.fields(response))
        case .body(let bytes):
            self.writeHeld()
            self.held = .bytes(bytes)
        case .push(let push):
            self.writeHeld()
            self.start(push)
        case .end:
            guard self.response == .begun, let connection else { return }
            self.pump = nil
            self.response = .ended
            self.writeHeld(isLast: true)
            // It may be over with this, and knows its connection no longer.
            connection.flush()
        case .patience:
            self.isPatient = true
            self.timer?.cancel()
            self.timer = nil
        case .upgrade, .frame: self.reset(.http11Required)
        }
    }

    func flush() {
        self.writeHeld()
        self.connection?.flush()
    }

    private func start(_ push: WirePush) {
        guard let connection else { return push.end() }
        let pump = WirePump(
            push, framing: .none, loop: self.eventLoop, queue: connection.pumps.queue(of: self.eventLoop),
            isWritable: { self.isWritable }, write: { self.write($0, isLast: false) }, flush: { self.flush() })
        self.pump = pump
        pump.start()
    }

    private func writeHeld(isLast: Bool = false) {
        let held = self.held
        self.held = nil
        switch held {
        case .head(let headers):
            self.connection?.send(.headers(.init(headers: headers, endStream: isLast)), on: self.id)
        case .bytes(let bytes): self.write(bytes, isLast: isLast)
        case nil: if isLast { self.write(ByteBuffer(), isLast: true) }
        }
    }

    private func write(_ bytes: ByteBuffer, isLast: Bool) {
        self.unsent += bytes.readableBytes
        self.connection?.send(.data(.init(data: .byteBuffer(bytes), endStream: isLast)), on: self.id)
        guard !self.isFull, self.unsent > Self.most else { return }
        self.isFull = true
        self.updateWritability()
    }

    /// Some bytes, or the head, have passed the client's windows. Here nothing may be written.
    func wrote(_ count: Int, isLast: Bool) {
        self.unsent -= count
        if isLast { self.response = .sent }
        if isLast && self.isClosing || self.isFull && self.unsent <= Self.few { self.connection?.postpone(self) }
    }

    /// What follows from `wrote`.
    func proceed() {
        if self.isFull, self.unsent <= Self.few {
            self.isFull = false
            self.updateWritability()
        }
        if self.isClosing, self.response == .sent, self.request != .complete { self.reset(.noError) }
    }

    /// The stream, or the connection that it shares with others, has become full, or isn't any more.
    func updateWritability() {
        guard let connection, let ends else { return }
        let isWritable = !self.isFull && connection.isWritable
        guard isWritable != self.isWritable else { return }
        self.isWritable = isWritable
        ends.outbox.note(isWritable: isWritable)
        if isWritable { self.pump?.run() }
    }

    /// Resets the stream, unless it has been answered. Then a client that still sends is told to stop, when the answer is out: curl takes
    /// both at once for a failure.
    func close() {
        guard !self.isClosing else { return }
        self.isClosing = true
        switch self.response {
        case .awaited, .begun: self.reset(.cancel)
        case .ended: break
        case .sent: self.connection?.postpone(self)
        }
    }

    func reset(_ code: NIOHTTP2.HTTP2ErrorCode) {
        guard let connection else { return }
        connection.send(.rstStream(code), on: self.id)
        connection.flush()
    }
}

// What HTTP/2 says, and what everybody else does.
extension HTTP2Stream {
    /// - Parameter headers: as NIO has checked them: the pseudo-headers come first, once each, and none is missing.
    /// - Returns: nil when they aren't those of a request that a server can answer.
    private static func request(_ headers: HPACKHeaders) -> HTTPRequest? {
        var method: HTTPRequest.Method?
        var (scheme, authority, path) = (String?.none, String?.none, String?.none)
        var fields = HTTPFields()
        fields.reserveCapacity(headers.count)
        for (name, value, _) in headers {
            guard name.utf8.first == UInt8(ascii: ":") else {
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
                continue
            }
            switch name {
            case ":method": method = HTTPRequest.Method(value)
            case ":scheme": scheme = value
            case ":authority": authority = value
            case ":path": path = value
            default: return nil
            }
        }
        guard let method else { return nil }
        return HTTPRequest(method: method, scheme: scheme, authority: authority, path: path, headerFields: fields)
    }

    private static func fields(_ response: HTTPResponse) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(response.headerFields.count + 1)
        headers.add(name: ":status", value: String(response.status.code))
        for field in response.headerFields {
            headers.add(name: field.name.canonicalName, value: field.value, indexing: HPACKIndexing(field.indexingStrategy))
        }
        return headers
    }
}

extension HPACKIndexing {
    fileprivate init(_ strategy: HTTPField.DynamicTableIndexingStrategy) {
        switch strategy {
        case .avoid: self = .nonIndexable
        case .disallow: self = .neverIndexed
        default: self = .indexable
        }
    }
}
