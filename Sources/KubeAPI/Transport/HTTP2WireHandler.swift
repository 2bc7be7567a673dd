import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Translates one HTTP/2 stream's parts to wire parts, and closes a stream whose request body doesn't come.
///
/// Confined to its channel's event loop.
final class HTTP2WireHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = InboundPart
    typealias OutboundIn = OutboundPart
    typealias OutboundOut = HTTPResponsePart

    private let timeouts: WireTimeouts
    /// The request's head is in, its end isn't.
    private var isReceiving = false
    private var timer: Scheduled<Void>?
    /// Fulfilled when the response's end has passed the peer's flow control.
    private var ending: EventLoopFuture<Void>?

    private let pumps: PumpQueues
    private var pump: WirePump?

    init(timeouts: WireTimeouts, pumps: PumpQueues) {
        self.timeouts = timeouts
        self.pumps = pumps
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let request):
            self.isReceiving = true
            context.fireChannelRead(self.wrapInboundOut(.head(request, isFinal: true)))
        case .body(let bytes):
            context.fireChannelRead(self.wrapInboundOut(.body(bytes)))
        case .end:
            self.isReceiving = false
            self.timer?.cancel()
            context.fireChannelRead(self.wrapInboundOut(.end))
        }
    }

    /// Most requests come as a whole, and need no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if self.isReceiving, self.timer == nil {
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            self.timer = context.eventLoop.scheduleTask(in: self.timeouts.body) { loopBound.value.close(promise: nil) }
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.pump?.stop()
        self.pump = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let response, _):
            context.write(self.wrapOutboundOut(.head(response)), promise: promise)
        case .body(let bytes):
            context.write(self.wrapOutboundOut(.body(bytes)), promise: promise)
        case .push(let push):
            let pump = WirePump(
                push, framing: .none, channel: context.channel, queue: self.pumps.queue(of: context.eventLoop),
                write: { context.write(self.wrapOutboundOut(.body($0)), promise: nil) }, flush: { context.flush() })
            self.pump = pump
            pump.start()
            promise?.succeed()
        case .end:
            self.pump = nil
            let written = promise ?? context.eventLoop.makePromise(of: Void.self)
            self.ending = written.futureResult
            context.write(self.wrapOutboundOut(.end(nil)), promise: written)
        case .patience:
            self.isReceiving = false
            self.timer?.cancel()
            promise?.succeed()
        case .upgrade, .frame:
            promise?.fail(ChannelError.operationUnsupported)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.pump?.run()
        context.fireChannelWritabilityChanged()
    }

    /// Waits for the end of the response: closing while the peer's window still holds it back would cut it off.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard let ending = self.ending else { return context.close(mode: mode, promise: promise) }
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        ending.whenComplete { _ in loopBound.value.close(mode: mode, promise: promise) }
    }
}
