import NIOCore

/// Joins the small pieces that codecs write (a head, a chunk's length, a frame's header, a body) into one buffer per flush: TLS
/// makes a record of each write, and every record costs both sides.
///
/// On HTTP/2 many streams share a connection, and each flushes for itself. There a flush waits until the event loop has done what is
/// queued already: when one event is told to a hundred watchers, what they are sent goes out in a few records and one system call.
///
/// Confined to its channel's event loop.
final class WriteCoalescer: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a TLS record holds. Larger pieces go through as they are: copying them would cost more than a record does.
    static let limit = 16 << 10

    private let waitsForOthers: Bool
    private var isFlushQueued = false
    private var joined: ByteBuffer?
    /// Whether `joined` is ours, and not the only piece so far.
    private var isCopy = false
    private var promise: EventLoopPromise<Void>?

    /// - Parameter waitsForOthers: whether several streams share the channel.
    init(waitsForOthers: Bool) {
        self.waitsForOthers = waitsForOthers
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var piece = self.unwrapOutboundIn(data)
        if let joined, joined.readableBytes + piece.readableBytes > Self.limit { self.emit(context) }
        guard piece.readableBytes < Self.limit else {
            context.write(self.wrapOutboundOut(piece), promise: promise)
            return
        }
        if let promise {
            if let first = self.promise { first.futureResult.cascade(to: promise) } else { self.promise = promise }
        }
        guard var joined else {
            self.joined = piece
            return
        }
        self.joined = nil
        if !self.isCopy {
            var copy = context.channel.allocator.buffer(capacity: max(2048, joined.readableBytes + piece.readableBytes))
            copy.writeBuffer(&joined)
            joined = copy
            self.isCopy = true
        }
        joined.writeBuffer(&piece)
        self.joined = joined
    }

    func flush(context: ChannelHandlerContext) {
        guard self.waitsForOthers else { return self.flushNow(context) }
        guard !self.isFlushQueued else { return }
        self.isFlushQueued = true
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.handler.flushQueued(bound.value.context) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.flushQueued(context)
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.flushQueued(context)
        self.emit(context)
    }

    private func flushQueued(_ context: ChannelHandlerContext) {
        guard self.isFlushQueued else { return }
        self.isFlushQueued = false
        self.flushNow(context)
    }

    private func flushNow(_ context: ChannelHandlerContext) {
        self.emit(context)
        context.flush()
    }

    private func emit(_ context: ChannelHandlerContext) {
        guard let joined else { return }
        let promise = self.promise
        self.joined = nil
        self.isCopy = false
        self.promise = nil
        context.write(self.wrapOutboundOut(joined), promise: promise)
    }
}
