public import HTTPTypes
import KubeObject

/// What a request is answered with, before it meets a wire.
public struct APIResponse: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        /// All of it.
        case bytes([UInt8])
        /// Written piece by piece; `write` returns when the peer has taken enough to go on, and throws when it is gone.
        /// The task is cancelled when the peer goes away; also when the server shuts down, if the stream has no end of its own.
        case stream(isEndless: Bool, weight: Weight = .usual, @Sendable (any ResponseWriter) async throws -> Void)
        /// The connection becomes a WebSocket that speaks `subprotocol`.
        case webSocket(subprotocol: String, @Sendable (any WebSocketSession) async throws -> Void)
        /// The connection becomes what the header fields say (`Upgrade`), and then carries bytes of that.
        case upgrade(@Sendable (any ByteSession) async throws -> Void)
        /// Begun when somebody else has begun theirs, with a status and fields that aren't known before. A response that is returned
        /// is sent instead; that is possible until one was begun. Otherwise the response ends with the return, and is cut off
        /// when this throws.
        case exchange(@Sendable (any ResponseExchange) async throws -> APIResponse?)
    }

    /// How much the writing of a streamed body takes of the processor, which decides where it is done.
    public enum Weight: Sendable {
        /// Never more than a moment from one write to the next: it may run on the connection's event loop.
        case light
        case usual
        /// Much, all the time: it gives way to what is short.
        case heavy
    }

    /// The HTTP status.
    public var status: Int
    /// The header fields; the wire adds content-length.
    public var headers: HTTPFields
    /// The body.
    public var body: Body

    init(status: Int, headers: HTTPFields = [:], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    static func json(_ bytes: [UInt8], status: Int = 200) -> APIResponse {
        APIResponse(status: status, headers: [.contentType: "application/json"], body: .bytes(bytes))
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: .bytes(Array(text.utf8)))
    }

    /// An error, as the `Status` that upstream sends.
    static func failure(_ error: StatusError) -> APIResponse {
        var response = APIResponse.json(error.status.encoded() + [UInt8(ascii: "\n")], status: error.code)
        if let seconds = error.retryAfterSeconds { response.headers[.retryAfter] = String(seconds) }
        return response
    }
}

extension APIResponse.Body {
    /// The same, and `then` when it has ended, however that came about. What is there as a whole is unchanged: it has no end of its own.
    func followed(_ then: @escaping @Sendable () -> Void) -> APIResponse.Body {
        switch self {
        case .bytes: return self
        case .stream(let isEndless, let weight, let write):
            return .stream(isEndless: isEndless, weight: weight) { writer in
                defer { then() }
                try await write(writer)
            }
        case .webSocket(let subprotocol, let run):
            return .webSocket(subprotocol: subprotocol) { session in
                defer { then() }
                try await run(session)
            }
        case .upgrade(let run):
            return .upgrade { session in
                defer { then() }
                try await run(session)
            }
        case .exchange(let run):
            return .exchange { exchange in
                defer { then() }
                return try await run(exchange)
            }
        }
    }
}

extension HTTPField {
    /// A field whose value won't be sent again. HTTP/2 remembers what fields it has sent, unless it is told not to, and goes through
    /// everything that it remembers for each field of each later response.
    static func passing(_ name: Name, _ value: String) -> HTTPField {
        var field = HTTPField(name: name, value: value)
        field.indexingStrategy = .avoid
        return field
    }
}

/// Where a streamed body is written to.
public protocol ResponseWriter: Sendable {
    /// Sends bytes; returns when the peer has taken enough for more.
    /// - Throws: when the peer is gone.
    func write(_ bytes: [UInt8]) async throws
}

/// A response that isn't decided yet.
public protocol ResponseExchange: Sendable {
    /// Sends the head; the fields are added to those that the response has already.
    func begin(status: Int, headers: HTTPFields) async throws -> any ResponseWriter
    /// Switches protocols.
    func upgrade(headers: HTTPFields) async throws -> any ByteSession
}

/// One message of a WebSocket, as far as Kubernetes' subprotocols use them.
public enum WebSocketMessage: Sendable, Equatable {
    /// A piece of a message: `isStart` is false for the continuation of the message before.
    case data([UInt8], isStart: Bool)
    /// The peer closes; nothing follows.
    case close
}

/// A connection that has become a WebSocket.
///
/// One task may receive while others send.
public protocol WebSocketSession: Sendable {
    /// The next message, or nil when the connection has ended.
    func receive() async throws -> WebSocketMessage?
    /// Sends a binary message; returns when the peer has taken enough for more.
    func send(_ bytes: [UInt8]) async throws
    /// Sends a text message.
    func send(text: String) async throws
    /// Sends a close frame with a code of RFC 6455, section 7.4.1.
    func close(code: UInt16, reason: String) async throws
}

/// A connection that has become something else than HTTP.
///
/// One task may receive while others send.
public protocol ByteSession: Sendable {
    /// The next bytes, as many as there are; nil when the connection has ended.
    func receive() async throws -> [UInt8]?
    /// Sends bytes, all before those of a later call; returns when the peer has taken enough for more.
    func send(_ bytes: [UInt8]) async throws
}

extension HTTPField.Name {
    static let xContentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
    static let auditID = HTTPField.Name("Audit-Id")!
    static let warning = HTTPField.Name("Warning")!
    static let webSocketProtocol = HTTPField.Name("Sec-WebSocket-Protocol")!
    static let webSocketKey = HTTPField.Name("Sec-WebSocket-Key")!
    static let webSocketVersion = HTTPField.Name("Sec-WebSocket-Version")!
    static let impersonateUser = HTTPField.Name("Impersonate-User")!
    static let impersonateGroup = HTTPField.Name("Impersonate-Group")!
    static let impersonateUID = HTTPField.Name("Impersonate-Uid")!
}
