import NIOCore
import NIOHTTP1

/// Translates between HTTP/1.1 and a backend's parts, and gets out of the way when the backend takes an upgrade.
///
/// Confined to its channel's event loop.
final class BackendWireHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = BackendPart
    typealias OutboundIn = BackendRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let decoder: ByteToMessageHandler<HTTPResponseDecoder>
    private let encoder: HTTPRequestEncoder
    private var isUpgraded = false

    private init(decoder: ByteToMessageHandler<HTTPResponseDecoder>, encoder: HTTPRequestEncoder) {
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Adds the handlers of a connection to its pipeline.
    static func configure(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 64 << 10
        limits.maxHeaderListSize = 256 << 10
        limits.maxHeaderFieldCount = 500
        let encoder = HTTPRequestEncoder()
        let decoder = ByteToMessageHandler(
            HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(BackendWireHandler(decoder: decoder, encoder: encoder))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.isUpgraded = head.status == .switchingProtocols
            context.fireChannelRead(self.wrapInboundOut(.head(head)))
        case .body(let bytes):
            context.fireChannelRead(self.wrapInboundOut(.body(bytes)))
        case .end:
            guard self.isUpgraded else { return context.fireChannelRead(self.wrapInboundOut(.end)) }
            self.upgrade(context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let head): context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes): context.write(self.wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end: context.write(self.wrapOutboundOut(.end(nil)), promise: promise)
        }
    }

    private func upgrade(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        let handler = BackendByteHandler()
        do {
            try pipeline.addHandler(handler, position: .before(self))
        } catch {
            return context.close(promise: nil)
        }
        pipeline.removeHandler(self.encoder, promise: nil)
        pipeline.removeHandler(self, promise: nil)
        // Last: the bytes that it holds are of the new protocol already.
        let loopBound = NIOLoopBound(handler, eventLoop: context.eventLoop)
        pipeline.removeHandler(self.decoder).whenSuccess { loopBound.value.announceReads() }
    }
}

/// Carries the bytes of a backend's connection after an upgrade.
private final class BackendByteHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = BackendPart
    typealias OutboundIn = BackendRequestPart
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func announceReads() { self.context?.fireChannelReadComplete() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(self.wrapInboundOut(.body(self.unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .body(let bytes) = self.unwrapOutboundIn(data) else {
            promise?.succeed()
            return
        }
        context.write(self.wrapOutboundOut(bytes), promise: promise)
    }
}
