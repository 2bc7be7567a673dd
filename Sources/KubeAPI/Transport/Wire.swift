import NIOCore
import Synchronization

/// One channel that carries requests, one after the other: the parts that come, those that go, and the signal of its end.
///
/// In this place NIO has `NIOAsyncChannel`, which is for parts of any kind, and whose generic code isn't specialized in another module: of a
/// small request over HTTP/2, where each is a channel, it took a sixth of the time.
final class Wire: Sendable {
    let closed: CloseSignal
    private let channel: any Channel
    private let inbox: WireInbox
    private let outbox: WireOutbox
    private let isServed = Atomic(false)

    /// - Parameter channel: whose event loop this is called in.
    init(_ channel: any Channel) throws {
        self.closed = CloseSignal()
        self.channel = channel
        self.inbox = WireInbox(channel)
        self.outbox = WireOutbox(channel)
        try channel.pipeline.syncOperations.addHandler(WireHandler(inbox: self.inbox, outbox: self.outbox, closed: self.closed))
    }

    /// Does something with the wire, and closes it. To be called once.
    func serve(_ body: () async throws -> Void) async throws {
        self.isServed.store(true, ordering: .relaxed)
        defer { self.outbox.close() }
        try await body()
    }

    /// A stream that a client opens while the server stops is made, and then told to nobody.
    deinit {
        if !self.isServed.load(ordering: .relaxed) { self.channel.close(promise: nil) }
    }

    /// The next part, or nil when nothing comes any more. For one task at a time.
    func next() async throws -> InboundPart? {
        try await self.inbox.next()
    }

    /// Writes parts that belong together, and returns when the wire takes more.
    func write(contentsOf parts: [OutboundPart]) async throws {
        try await self.outbox.write(parts)
    }

    func write(_ part: OutboundPart) async throws {
        try await self.outbox.write(CollectionOfOne(part))
    }
}

/// The end of a wire's pipeline.
///
/// Confined to its channel's event loop.
private final class WireHandler: ChannelDuplexHandler {
    typealias InboundIn = InboundPart
    typealias OutboundIn = OutboundPart

    private let inbox: WireInbox
    private let outbox: WireOutbox
    private let closed: CloseSignal

    init(inbox: WireInbox, outbox: WireOutbox, closed: CloseSignal) {
        self.inbox = inbox
        self.outbox = outbox
        self.closed = closed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.inbox.receive(self.unwrapInboundIn(data))
    }

    func read(context: ChannelHandlerContext) {
        if !self.inbox.holdsRead() { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.outbox.note(isWritable: context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { self.inbox.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.inbox.finish(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
    }

    private func end() {
        self.inbox.finish()
        self.outbox.finish(ChannelError.ioOnClosedChannel)
        self.closed.fire()
    }
}
