import NIOCore
import Synchronization

/// What a wire runs over: an HTTP/1.1 connection's channel, or a stream of an HTTP/2 connection.
protocol WireCarrier: AnyObject, Sendable {
    var eventLoop: any EventLoop { get }

    /// In the event loop.
    func write(_ part: OutboundPart)
    /// In the event loop.
    func flush()
    /// Ends it after what was written. In the event loop.
    func close()
    /// More may come again, after a time when the inbox held reading.
    func resumeReading()
}

/// A wire, as its carrier sees it.
struct WireEnds: Sendable {
    let inbox: WireInbox
    let outbox: WireOutbox
    let closed: CloseSignal

    /// The carrier is at its end.
    ///
    /// - Parameter error: what broke it; nil for the usual end.
    func finish(_ error: (any Error)? = nil) {
        self.inbox.finish(error)
        self.outbox.finish(ChannelError.ioOnClosedChannel)
        self.closed.fire()
    }
}

/// Carries requests, one after the other: the parts that come, those that go, and the signal of its end.
///
/// In this place NIO has `NIOAsyncChannel`, which is for parts of any kind, and whose generic code isn't specialized in another module: of a
/// small request over HTTP/2 it took a sixth of the time.
final class Wire: Sendable {
    let ends: WireEnds
    private let isServed = Atomic(false)

    init(over carrier: any WireCarrier) {
        self.ends = WireEnds(inbox: WireInbox(carrier), outbox: WireOutbox(carrier), closed: CloseSignal())
    }

    /// - Parameter channel: whose event loop this is called in.
    convenience init(_ channel: any Channel) throws {
        self.init(over: ChannelCarrier(channel))
        try channel.pipeline.syncOperations.addHandler(WireHandler(self.ends))
    }

    var closed: CloseSignal { self.ends.closed }

    /// Does something with the wire, and closes it. To be called once.
    func serve(_ body: () async throws -> Void) async throws {
        self.isServed.store(true, ordering: .relaxed)
        defer { self.ends.outbox.close() }
        try await body()
    }

    /// A stream that a client opens while the server stops is made, and then told to nobody.
    deinit {
        if !self.isServed.load(ordering: .relaxed) { self.ends.outbox.close() }
    }

    /// The next part, or nil when nothing comes any more. For one task at a time.
    func next() async throws -> InboundPart? {
        try await self.ends.inbox.next()
    }

    /// Writes parts that belong together, and returns when the wire takes more.
    func write(contentsOf parts: [OutboundPart]) async throws {
        try await self.ends.outbox.write(parts)
    }

    func write(_ part: OutboundPart) async throws {
        try await self.ends.outbox.write(CollectionOfOne(part))
    }
}

/// A channel with a pipeline of its own.
private final class ChannelCarrier: WireCarrier {
    private let channel: any Channel

    init(_ channel: any Channel) {
        self.channel = channel
    }

    var eventLoop: any EventLoop { self.channel.eventLoop }
    func write(_ part: OutboundPart) { self.channel.write(part, promise: nil) }
    func flush() { self.channel.flush() }
    func close() { self.channel.close(promise: nil) }
    func resumeReading() { self.channel.read() }
}

/// The end of a wire's pipeline.
///
/// Confined to its channel's event loop.
private final class WireHandler: ChannelDuplexHandler {
    typealias InboundIn = InboundPart
    typealias OutboundIn = OutboundPart

    private let ends: WireEnds

    init(_ ends: WireEnds) {
        self.ends = ends
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.ends.inbox.receive(self.unwrapInboundIn(data))
    }

    func read(context: ChannelHandlerContext) {
        if !self.ends.inbox.holdsRead() { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.ends.outbox.note(isWritable: context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { self.ends.inbox.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.ends.inbox.finish(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.ends.finish()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.ends.finish()
    }
}
