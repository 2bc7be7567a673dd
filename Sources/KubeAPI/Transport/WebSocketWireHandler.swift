package import NIOCore
package import NIOWebSocket

/// Carries frames between the WebSocket codecs and the connection's task. Pings are answered here.
package final class WebSocketWireHandler: ChannelDuplexHandler {
    package typealias InboundIn = WebSocketFrame
    package typealias InboundOut = InboundPart
    package typealias OutboundIn = OutboundPart
    package typealias OutboundOut = WebSocketFrame

    /// The largest frame taken from a client, in bytes; kubectl sends 32 KiB, the Python client whatever its caller wrote.
    package static let frameLimit = 4 << 20

    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = self.unwrapInboundIn(data)
        switch frame.opcode {
        case .ping:
            context.writeAndFlush(
                self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)), promise: nil)
        case .pong:
            break
        default:
            context.fireChannelRead(self.wrapInboundOut(.frame(frame)))
        }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .frame(let frame) = self.unwrapOutboundIn(data) else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        context.write(self.wrapOutboundOut(frame), promise: promise)
    }
}
