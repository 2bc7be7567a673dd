public import NIOCore

/// How long a connection may keep the server waiting.
public struct WireTimeouts: Sendable {
    /// Until the TLS handshake is over.
    public var handshake: TimeAmount = .seconds(10)
    /// From then until the first request's head is in.
    public var head: TimeAmount = .seconds(32)
    /// Until a request's body is in, from its head on.
    public var body: TimeAmount = .seconds(60)
    /// Between requests.
    public var idle: TimeAmount = .seconds(120)

    /// Upstream's values, where it has any.
    public init() {}
}

/// What one client may use of the server, and what the server does at once. What a cluster may use is its `ClusterPolicy`'s.
public struct ServerLimits: Sendable {
    /// The largest request body that any cluster may allow, in bytes; more is answered 413, as upstream's limit of 3 MiB.
    public var bodyBytes = 3 << 20
    /// All header fields of a request together, in bytes.
    public var headerBytes = 64 << 10
    /// The number of header fields of a request.
    public var headerCount = 200
    /// HTTP/2 streams open at once on one connection.
    public var streamsPerConnection = 250
    /// Connections open at once; more wait in the kernel's queue.
    public var connections = 20_000
    /// Requests that are worked on at once, of all clusters; more wait for their turn.
    public var seats = 64 * System.coreCount
    /// Requests of one cluster that are worked on at once while other clusters want something too.
    public var sharedSeats = max(4, 2 * System.coreCount)
    /// Waiting times.
    public var timeouts = WireTimeouts()

    /// The defaults as documented at each property.
    public init() {}
}
