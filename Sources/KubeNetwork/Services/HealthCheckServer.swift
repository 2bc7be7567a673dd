import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Answers at services' `healthCheckNodePort`s. Of two services that have the same, in two clusters, the first one keeps it while it's there.
///
/// Concurrency: ``RuleKeeper`` alone sets; event loops answer.
final class HealthCheckServer: Sendable {
    /// Whether somebody outside may come to a port of a cluster's.
    typealias Admission = @Sendable (_ cluster: Int64, _ source: IPAddress, _ port: UInt16) -> Bool

    /// Ports at once: each takes a descriptor.
    static let limit = 512
    /// Clients at once, of all ports.
    static let clients = (perSource: 32, total: 256)

    private struct Listener {
        var check: HealthCheck
        var channel: EventLoopFuture<any Channel>
    }

    private let admits: Admission
    private let logger: Logger
    private let counts = ConnectionCounts(HealthCheckServer.clients)
    private let listeners = Mutex<[UInt16: Listener]>([:])

    init(admits: @escaping Admission, logger: Logger) {
        self.admits = admits
        self.logger = logger
    }

    /// Listens for these, and for no others any more. Returns at once.
    func set(_ checks: some Collection<HealthCheck>) {
        let gone = listeners.withLock { listeners -> [EventLoopFuture<any Channel>] in
            let byPort = Dictionary(grouping: checks, by: \.port)
            var gone: [EventLoopFuture<any Channel>] = []
            for (port, listener) in listeners where byPort[port] == nil {
                gone.append(listener.channel)
                listeners[port] = nil
            }
            for (port, wanted) in byPort.sorted(by: { $0.key < $1.key }) {
                let present = listeners[port]?.check
                let own = wanted.first { $0.cluster == present?.cluster && $0.service == present?.service }
                guard let check = own ?? wanted.min(by: { $0.cluster < $1.cluster }) else { continue }
                if listeners[port] != nil {
                    listeners[port]?.check = check
                } else if listeners.count < Self.limit {
                    listeners[port] = Listener(check: check, channel: listen(port))
                }
            }
            return gone
        }
        for channel in gone { channel.whenSuccess { $0.close(promise: nil) } }
    }

    private func listen(_ port: UInt16) -> EventLoopFuture<any Channel> {
        let bound = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 64)
            .childChannelInitializer { [counts, admits, weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let check = self?.listeners.withLock({ $0[port]?.check }), let source = channel.remoteAddress?.ip,
                        admits(check.cluster, source, port), counts.enter(source)
                    else { throw ConnectionCounts.TooMany() }
                    channel.closeFuture.whenComplete { _ in counts.leave(source) }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(5)))
                    try pipeline.addHandler(HealthCheckHandler { self?.listeners.withLock { $0[port]?.check.response } })
                }
            }
            .bind(host: "0.0.0.0", port: Int(port))
        bound.whenFailure { [logger] error in
            logger.warning("can't answer at a health check port", metadata: ["port": "\(port)", "error": "\(error)"])
        }
        return bound
    }
}

/// Answers one request, whatever it asks for, and hangs up.
private final class HealthCheckHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private static let longest = 8_192
    private let response: () -> String?
    private var received: [UInt8] = []
    private var isDone = false

    init(_ response: @escaping () -> String?) { self.response = response }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        received += unwrapInboundIn(data).readableBytesView
        guard received.count <= Self.longest else { return context.close(promise: nil) }
        guard String(decoding: received.suffix(4), as: UTF8.self) == "\r\n\r\n" else { return }
        isDone = true
        guard let response = response() else { return context.close(promise: nil) }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(channel.allocator.buffer(string: response))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
