import Foundation
import HTTP2Frames
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS

/// How a connection is set up: TLS, then HTTP/1.1 (with WebSocket upgrades) or HTTP/2 as ALPN decided.
///
/// Hummingbird's own HTTP/2 channel fixes what its HTTP/1 child may be; this one is needed for upgrades, for client
/// certificates that are judged later, and to exchange the certificate in the running server.
struct HTTPSChannel: ServerChildChannel {
    enum Negotiated: Sendable {
        case http1(Wire)
        /// One wire for each request.
        case http2(AsyncStream<Wire>)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let negotiated: EventLoopFuture<Negotiated>
        let connection: ClientConnection
    }

    let identity: ServerIdentity
    let limits: ServerLimits
    let responder: Responder
    let pumps = PumpQueues()

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try self.setupInLoop(channel)
        }
    }

    private func setupInLoop(_ channel: any Channel) throws -> Value {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        try channel.syncOptions?.setOption(.socketOption(.so_keepalive), value: 1)
        try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
        #if os(Linux)
            // A peer that vanished is noticed after a minute and a half, not after the kernel's two hours: idle watches wait for it.
            for (name, value) in [(TCP_KEEPIDLE, 30), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 4)] {
                try channel.syncOptions?.setOption(
                    ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: name)), value: value)
            }
        #endif
        let connection = ClientConnection(address: channel.remoteAddress?.ipAddress ?? "")
        let tls = NIOSSLServerHandler(context: self.identity.current) { certificates, promise in
            do {
                connection.note(chain: try certificates.map { try $0.toDERBytes() })
                promise.succeed(.certificateVerified)
            } catch {
                promise.fail(error)
            }
        }
        let (limits, pumps) = (self.limits, self.pumps)
        let alpn = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
            switch result {
            case .negotiated("h2"): Self.setupHTTP2(channel, limits, pumps)
            case .negotiated("http/1.1"), .fallback: Self.setupHTTP1(channel, limits, pumps)
            case .negotiated:
                channel.close().flatMapThrowing { throw ChannelError.operationUnsupported }
            }
        }
        let sni = ByteToMessageHandler(
            SNIHandler { result in
                if case .hostname(let name) = result { connection.note(serverName: name) }
                return channel.eventLoop.makeSucceededVoidFuture()
            })
        try channel.pipeline.syncOperations.addHandlers([sni, tls, alpn])
        let deadline = channel.eventLoop.scheduleTask(in: limits.timeouts.handshake) { channel.close(promise: nil) }
        alpn.protocolNegotiationResult.whenComplete { _ in deadline.cancel() }
        return Value(channel: channel, negotiated: alpn.protocolNegotiationResult, connection: connection)
    }

    private static func setupHTTP1(
        _ channel: any Channel, _ limits: ServerLimits, _ pumps: PumpQueues
    ) -> EventLoopFuture<Negotiated> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(WriteCoalescer(waitsForOthers: false))
            try HTTP1WireHandler.configure(channel, limits: limits, pumps: pumps)
            return .http1(try Wire(channel))
        }
    }

    private static func setupHTTP2(
        _ channel: any Channel, _ limits: ServerLimits, _ pumps: PumpQueues
    ) -> EventLoopFuture<Negotiated> {
        channel.eventLoop.makeCompletedFuture {
            var connection = NIOHTTP2Handler.ConnectionConfiguration()
            connection.initialSettings = [
                HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streamsPerConnection),
                HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
                HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Stream.window),
            ]
            var stream = NIOHTTP2Handler.StreamConfiguration()
            // client-go resets a stream for each watch that it ends: a burst of them is no attack.
            stream.streamResetFrameRateLimit.maximumCount = 1000
            var management = NIOHTTP2ServerConnectionManagementHandler.Configuration.defaults
            management.maxIdleTime = limits.timeouts.idle
            management.maxGraceTime = .seconds(10)
            management.keepalive = .init(pingInterval: .seconds(60), ackTimeout: .seconds(20))
            let manager = NIOHTTP2ServerConnectionManagementHandler(eventLoop: channel.eventLoop, configuration: management)
            // An event for a hundred watchers fits. With less the connection would be found full in the middle, and each of its streams
            // told so and told again that it isn't. What one stream may have waiting is bounded by its own mark.
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            let streams = HTTP2StreamsHandler(
                timeouts: limits.timeouts, pumps: pumps, delegate: manager.http2StreamDelegate)
            try channel.pipeline.syncOperations.addHandlers([
                WriteCoalescer(waitsForOthers: true), HTTP2FrameAligner(from: .client),
                NIOHTTP2Handler(
                    mode: .server, frameDelegate: streams, connectionConfiguration: connection, streamConfiguration: stream),
                streams, manager, HTTP2ErrorHandler(),
            ])
            return .http2(streams.wires)
        }
    }

    /// Serves a connection, on its event loop: what takes longer goes elsewhere by itself.
    func handle(value: Value, logger: Logger) async {
        let executor = EventLoopExecutor(value.channel.eventLoop)
        await withTaskExecutorPreference(executor) { await self.serve(value, logger) }
    }

    private func serve(_ value: Value, _ logger: Logger) async {
        do {
            switch try await value.negotiated.get() {
            case .http1(let wire):
                try await self.serve(wire, value.connection)
            case .http2(let wires):
                await withDiscardingTaskGroup { group in
                    for await wire in wires {
                        group.addTask {
                            do {
                                try await self.serve(wire, value.connection)
                            } catch {
                                logger.trace("A stream ended early", metadata: ["error": "\(error)"])
                            }
                        }
                    }
                }
            }
        } catch {
            // The peer's doing (a failed handshake, a reset): nothing that an operator must know of.
            logger.trace("A connection ended early", metadata: ["peer": "\(value.connection.address)", "error": "\(error)"])
        }
    }
}
