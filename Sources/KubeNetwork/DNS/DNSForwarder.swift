import NIOCore
import NIOPosix
import Synchronization

/// Asks the host's resolvers what isn't ours to know.
///
/// Every question goes out from a port of its own with an id of its own, and only a whole answer to just that question from
/// just that resolver is taken. A resolver that's silent for two seconds is passed over for the next.
final class DNSForwarder: Sendable {
    enum Failure: Error {
        case noResolver, allSilent, tooMany
    }

    /// Who has only so many questions under way.
    enum Asker: Sendable, Hashable {
        case pod(IPAddress)
        /// For name servers that the cluster has named, which may be as slow as it likes.
        case cluster(Int64)
    }

    private let group: any EventLoopGroup
    private let resolvers = Mutex<[SocketAddress]>([])
    private let underWay = Mutex<[Asker: Int]>([:])
    private let cache = DNSCache()
    private let patience: TimeAmount
    /// Questions under way at once, of one pod and of all.
    private let limits: (perSource: Int, total: Int)

    init(
        group: any EventLoopGroup, patience: TimeAmount = .seconds(2), limits: (perSource: Int, total: Int) = (128, 1_024)
    ) {
        self.group = group
        self.patience = patience
        self.limits = limits
    }

    func use(_ configuration: ResolverConfiguration) {
        resolvers.withLock { $0 = configuration.servers }
    }

    /// What was answered to the same question lately, and how many seconds ago.
    func remembered(_ query: DNSQuery) -> (answer: UpstreamAnswer, age: UInt32)? { cache.answer(to: query) }

    /// - Parameter source: whose question it is; every pod has only so many under way.
    func ask(
        _ query: DNSQuery, for source: IPAddress, isDatagram: Bool, on loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        ask(query, for: .pod(source), resolvers.withLock { $0 }, cache, isDatagram, loop)
    }

    /// Asks name servers that a cluster has named.
    func ask(
        _ query: DNSQuery, by route: ClusterNameServers.Route, isDatagram: Bool, on loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        ask(query, for: .cluster(route.cluster), route.servers, route.cache, isDatagram, loop)
    }

    private func ask(
        _ query: DNSQuery, for source: Asker, _ servers: [SocketAddress], _ cache: DNSCache, _ isDatagram: Bool,
        _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        let isAllowed = underWay.withLock { counts in
            // Sources without questions under way aren't in here, so this stays small.
            guard counts[source, default: 0] < limits.perSource, counts.values.reduce(0, +) < limits.total else { return false }
            counts[source, default: 0] += 1
            return true
        }
        guard isAllowed else { return loop.makeFailedFuture(Failure.tooMany) }
        var question = query
        question.id = UInt16.random(in: 0...UInt16.max)
        question.flags = query.flags & 0x0110
        question.extended = query.extended.map { asked in
            var extended = ExtendedDNS(
                payloadSize: min(max(asked.payloadSize, 512), UInt16(DNSReply.maximumDatagram)))
            extended.wantsSecurity = asked.wantsSecurity
            return extended
        }
        let asked = question
        return ask(asked, servers[...], isDatagram, loop).always { result in
            self.underWay.withLock { counts in
                let count = counts[source, default: 1] - 1
                counts[source] = count > 0 ? count : nil
            }
            if case .success(let answer) = result { cache.keep(answer, to: query) }
        }
    }

    private func ask(
        _ query: DNSQuery, _ servers: ArraySlice<SocketAddress>, _ isDatagram: Bool, _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        guard let server = servers.first else { return loop.makeFailedFuture(Failure.noResolver) }
        let once = isDatagram ? datagram(query, server, loop) : stream(query, server, loop)
        guard servers.count > 1 else { return once }
        return once.flatMapError { _ in self.ask(query, servers.dropFirst(), isDatagram, loop) }
    }

    private func datagram(
        _ query: DNSQuery, _ server: SocketAddress, _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        let promise = loop.makePromise(of: UpstreamAnswer.self)
        let bytes = query.bytes
        DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4_096))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramAnswerHandler(query, promise))
                }
            }
            .connect(to: server)
            .whenComplete { result in
                self.send(result, promise, loop) { channel in
                    AddressedEnvelope(remoteAddress: server, data: channel.allocator.buffer(bytes: bytes))
                }
            }
        return promise.futureResult
    }

    private func stream(
        _ query: DNSQuery, _ server: SocketAddress, _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        let promise = loop.makePromise(of: UpstreamAnswer.self)
        let bytes = query.bytes
        ClientBootstrap(group: loop)
            .connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamAnswerHandler(query, promise))
                }
            }
            .connect(to: server)
            .whenComplete { result in
                self.send(result, promise, loop) { channel in
                    var buffer = channel.allocator.buffer(capacity: bytes.count + 2)
                    buffer.writeInteger(UInt16(bytes.count))
                    buffer.writeBytes(bytes)
                    return buffer
                }
            }
        return promise.futureResult
    }

    /// Sends what `message` makes, and sees to it that the promise is kept in time and the channel closed.
    private func send<Message: Sendable>(
        _ result: Result<any Channel, any Error>, _ promise: EventLoopPromise<UpstreamAnswer>, _ loop: any EventLoop,
        _ message: (any Channel) -> Message
    ) {
        switch result {
        case .failure(let error): promise.fail(error)
        case .success(let channel):
            let timeout = loop.scheduleTask(in: patience) { promise.fail(Failure.allSilent) }
            promise.futureResult.whenComplete { _ in
                timeout.cancel()
                channel.close(promise: nil)
            }
            channel.writeAndFlush(message(channel)).whenFailure { promise.fail($0) }
        }
    }
}

/// Takes the first datagram that answers the question; others, from whoever can guess our port, don't count.
private final class DatagramAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let query: DNSQuery
    private let promise: EventLoopPromise<UpstreamAnswer>

    init(_ query: DNSQuery, _ promise: EventLoopPromise<UpstreamAnswer>) {
        self.query = query
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
        if let answer = UpstreamAnswer(bytes, to: query) { promise.succeed(answer) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)  // such as: nobody listens there
    }
}

/// Takes one message after its length.
private final class StreamAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let query: DNSQuery
    private let promise: EventLoopPromise<UpstreamAnswer>
    private var received = ByteBuffer()

    init(_ query: DNSQuery, _ promise: EventLoopPromise<UpstreamAnswer>) {
        self.query = query
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var data = unwrapInboundIn(data)
        received.writeBuffer(&data)
        guard let frame = received.readLengthPrefixedSlice(as: UInt16.self) else { return }
        guard let answer = UpstreamAnswer(Array(frame.readableBytesView), to: query) else {
            promise.fail(DNSForwarder.Failure.allSilent)
            return
        }
        promise.succeed(answer)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(DNSForwarder.Failure.allSilent)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
    }
}
