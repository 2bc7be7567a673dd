import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Where a request is passed on to, over HTTP/1.1.
struct Backend: Sendable {
    /// An IP address.
    var address: String
    var port: Int
    var tls: NIOSSLContext?
    /// The name that the server's certificate is to have; nil to ask for none.
    var serverName: String?

    /// Address and port, as in a URL.
    var authority: String {
        (self.address.contains(":") ? "[\(self.address)]" : self.address) + ":\(self.port)"
    }

    /// TLS whose other end nobody vouches for, as pods have it.
    static func unverifiedTLS() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    typealias Connection = NIOAsyncChannel<BackendPart, BackendRequestPart>

    /// Connects, which is to be used with its `executeThenClose` soon.
    func connect() async throws -> Connection {
        let backend = self
        return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(30))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .connect(host: self.address, port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context = backend.tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: backend.serverName))
                    }
                    try BackendWireHandler.configure(pipeline)
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
    }
}

/// What a backend sends.
enum BackendPart: Sendable {
    /// A status of 101 says that from here on only `body` follows, of another protocol.
    case head(HTTPResponseHead)
    case body(ByteBuffer)
    case end
}

/// What is sent to a backend: `head body* end`, or after an upgrade `body*`.
enum BackendRequestPart: Sendable {
    case head(HTTPRequestHead)
    case body(ByteBuffer)
    case end
}
