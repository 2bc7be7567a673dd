import FoundationEssentials
import Glibc
import KubeClient
import NIOCore
import NIOPosix
import NIOSSL

/// Watches over HTTP/1.1 connections of their own, as those of many clients are, whose events are counted and otherwise not looked at: the client
/// leaves nearly all of the machine to the server, on either side of a comparison.
struct WatchConnections {
    /// What every watcher asks for.
    struct Request {
        let configuration: ClientConfiguration
        /// With the query, percent-encoded.
        let path: String
    }

    private let channels: [any Channel]

    /// Opens `count` watches; when it returns all of them are being answered.
    ///
    /// - Parameters:
    ///   - note: told how many events came; on an event loop.
    ///   - fail: told why a watch ended before `close()`.
    static func open(
        _ count: Int, _ request: Request, note: @escaping @Sendable (Int) -> Void, fail: @escaping @Sendable (any Error) -> Void
    ) async throws -> WatchConnections {
        guard let url = URL(string: request.configuration.server), let host = url.host() else {
            throw CommandFailure("\(request.configuration.server) isn't a URL.")
        }
        let context = try NIOSSLContext(configuration: try request.configuration.tls())
        // An address is no name to ask for; the certificate is compared with it all the same.
        let name = request.configuration.serverName ?? (host.contains { $0.isLetter && $0 != ":" } ? host : nil)
        var head = "GET \(url.path())\(request.path) HTTP/1.1\r\nHost: \(host)\r\nAccept: application/json\r\n"
        if case .token(let token) = request.configuration.credentials { head += "Authorization: Bearer \(token)\r\n" }
        let text = head + "\r\n"
        var channels: [any Channel] = []
        for _ in 0..<count {
            let group = MultiThreadedEventLoopGroup.singleton.next()
            let started = group.makePromise(of: Void.self)
            let channel = try await ClientBootstrap(group: group).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        try NIOSSLClientHandler(context: context, serverHostname: name),
                        EventCounter(request: text, started: started, note: note, fail: fail),
                    ])
                }
            }.connect(host: host, port: url.port ?? 443).get()
            channels.append(channel)
            try await started.futureResult.get()
        }
        return WatchConnections(channels: channels)
    }

    /// Ends all watches.
    func close() async throws {
        for channel in channels {
            try await channel.pipeline.triggerUserOutboundEvent(EventCounter.Ending()).get()
            do { try await channel.close() } catch ChannelError.alreadyClosed {}
        }
    }
}

/// Sends the request of one watch and counts its events: each is a JSON object on a line of its own, which the lines that cut the body in chunks aren't.
///
/// Concurrency: on its channel's event loop.
private final class EventCounter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The watch isn't wanted any more.
    struct Ending: Sendable {}

    private let request: String
    private let note: @Sendable (Int) -> Void
    private let fail: @Sendable (any Error) -> Void
    private var started: EventLoopPromise<Void>?
    /// The answer's head, as far as it came.
    private var head: [UInt8] = []
    private var last: UInt8 = 0
    private var isEnding = false

    init(
        request: String, started: EventLoopPromise<Void>, note: @escaping @Sendable (Int) -> Void,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.request = request
        self.started = started
        self.note = note
        self.fail = fail
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if started != nil { return begin(buffer, context) }
        buffer.withUnsafeReadableBytes(count)
    }

    private func begin(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        head += buffer.readableBytesView
        guard let end = head.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        guard head.starts(with: "HTTP/1.1 200 ".utf8) else {
            return stop(CommandFailure("A watch was refused: \(String(decoding: head.prefix { $0 != 13 }, as: UTF8.self))"))
        }
        head[end.upperBound...].withUnsafeBytes(count)
        head = []
        started?.succeed()
        started = nil
    }

    /// By the C library's search, which looks at many bytes at once: what the client takes, the server doesn't have.
    private func count(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        var events = 0
        var offset = 0
        while offset < bytes.count, let found = memchr(start + offset, 10, bytes.count - offset) {
            let index = UnsafeRawPointer(found) - start
            if (index > 0 ? bytes[index - 1] : last) == UInt8(ascii: "}") { events += 1 }
            offset = index + 1
        }
        last = bytes[bytes.count - 1]
        if events > 0 { note(events) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        isEnding = true
        promise?.succeed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        stop(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop(CommandFailure("A watch ended early."))
        context.fireChannelInactive()
    }

    private func stop(_ error: any Error) {
        guard !isEnding else { return }
        isEnding = true
        started?.fail(error)
        started = nil
        fail(error)
    }
}
