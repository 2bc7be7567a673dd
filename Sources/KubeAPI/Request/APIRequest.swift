public import HTTPTypes
public import KubeObject
import Synchronization

/// A request as it came over any wire, or out of a test.
public struct APIRequest: Sendable {
    /// The HTTP method.
    public var method: HTTPRequest.Method
    /// The path with its percent escapes, without the query.
    public var rawPath: String
    /// The query as it came, with its question mark; empty when there is none.
    public var queryText: String
    /// The parsed query.
    public var query: QueryItems
    /// The `Host` or `:authority`, with its port if it has one.
    public var authority: String
    /// The header fields, as received.
    public var headers: HTTPFields
    /// The body, read when a handler asks for it.
    public var body: RequestBody
    /// The connection that it came over.
    public var connection: ClientConnection

    /// - Parameter target: the path and query, as in the request line.
    public init(
        method: HTTPRequest.Method, target: String, authority: String = "localhost", headers: HTTPFields = [:],
        body: RequestBody = .init([]), connection: ClientConnection = ClientConnection()
    ) {
        self.method = method
        let question = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        self.rawPath = String(target[..<(question ?? target.endIndex)])
        self.queryText = question.map { String(target[$0...]) } ?? ""
        self.query = QueryItems(question.map { String(target[target.index(after: $0)...]) } ?? "")
        self.authority = authority
        self.headers = headers
        self.body = body
        self.connection = connection
    }
}

/// A request's body, which may still be on its way.
public struct RequestBody: Sendable {
    private let read: @Sendable (Int) async throws(StatusError) -> [UInt8]
    private let readPiece: @Sendable () async throws -> [UInt8]?

    /// A body already there.
    public init(_ bytes: [UInt8]) {
        let rest = Mutex<[UInt8]?>(bytes.isEmpty ? nil : bytes)
        self.init { limit throws(StatusError) in
            guard bytes.count <= limit else { throw RequestBody.tooLarge(limit: limit) }
            return bytes
        } piece: {
            rest.withLock { rest in
                defer { rest = nil }
                return rest
            }
        }
    }

    /// A body that `read` gets from the wire; it takes the largest size in bytes, and throws when there is more. `piece` gets it
    /// piece by piece.
    init(
        _ read: @escaping @Sendable (Int) async throws(StatusError) -> [UInt8],
        piece: @escaping @Sendable () async throws -> [UInt8]?
    ) {
        self.read = read
        self.readPiece = piece
    }

    /// The whole body. Asked for once.
    /// - Throws: 413 when it is larger than `limit` bytes, 400 when the client went away.
    public func collect(limit: Int) async throws(StatusError) -> [UInt8] {
        try await self.read(limit)
    }

    /// The next piece of a body that is passed on, or nil at its end. By one task at a time, and not beside ``collect(limit:)``.
    /// - Throws: when the client went away.
    func next() async throws -> [UInt8]? {
        try await self.readPiece()
    }

    static func tooLarge(limit: Int) -> StatusError {
        .requestEntityTooLarge("limit is \(limit)")
    }
}
