import NIOCore
import Synchronization

/// Answers datagrams.
final class DNSDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let responder: DNSResponder

    init(_ responder: DNSResponder) {
        self.responder = responder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let source = envelope.remoteAddress.ip else { return }
        let bytes = Array(envelope.data.readableBytesView)
        switch responder.respond(to: bytes, from: source, isDatagram: true, on: context.eventLoop) {
        case .silence: break
        case .now(let answer):
            let buffer = context.channel.allocator.buffer(bytes: answer)
            context.write(
                wrapOutboundOut(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: buffer)), promise: nil)
        case .later(let future):
            let channel = context.channel
            future.whenSuccess { answer in
                let buffer = channel.allocator.buffer(bytes: answer)
                channel.writeAndFlush(
                    AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: buffer), promise: nil)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    /// An error of one datagram, such as a client's "port unreachable", is nobody else's.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Answers messages of one TCP connection, each after its length (RFC 7766), in whatever order they get known.
final class DNSStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    /// Answers that a client may have us owe it.
    private static let maximumUnderWay = 64

    private let responder: DNSResponder
    private let source: IPAddress
    private var received = ByteBuffer()
    private var underWay = 0

    init(_ responder: DNSResponder, _ source: IPAddress) {
        self.responder = responder
        self.source = source
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var data = unwrapInboundIn(data)
        received.writeBuffer(&data)
        while let frame = received.readLengthPrefixedSlice(as: UInt16.self) {
            let bytes = Array(frame.readableBytesView)
            // A client that asks without ever reading.
            guard context.channel.isWritable else {
                context.close(promise: nil)
                return
            }
            switch responder.respond(to: bytes, from: source, isDatagram: false, on: context.eventLoop) {
            case .silence:
                context.close(promise: nil)
                return
            case .now(let answer): context.write(wrapOutboundOut(Self.framed(answer, context.channel)), promise: nil)
            case .later(let future):
                guard underWay < Self.maximumUnderWay else {
                    context.close(promise: nil)
                    return
                }
                underWay += 1
                let channel = context.channel
                let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
                future.hop(to: context.eventLoop).whenComplete { result in
                    handler.value.underWay -= 1
                    if case .success(let answer) = result {
                        channel.writeAndFlush(Self.framed(answer, channel), promise: nil)
                    }
                }
            }
        }
        received.discardReadBytes()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private static func framed(_ bytes: [UInt8], _ channel: any Channel) -> ByteBuffer {
        var buffer = channel.allocator.buffer(capacity: bytes.count + 2)
        buffer.writeInteger(UInt16(bytes.count))
        buffer.writeBytes(bytes)
        return buffer
    }
}

/// How many TCP connections there are, of whom.
final class ConnectionCounts: Sendable {
    struct TooMany: Error {}

    private let counts = Mutex<(bySource: [IPAddress: Int], total: Int)>(([:], 0))
    private let limits: (perSource: Int, total: Int)

    init(_ limits: (perSource: Int, total: Int)) {
        self.limits = limits
    }

    /// - Returns: false when this would be one too many.
    func enter(_ source: IPAddress) -> Bool {
        counts.withLock { counts in
            guard counts.total < limits.total, counts.bySource[source, default: 0] < limits.perSource else { return false }
            counts.bySource[source, default: 0] += 1
            counts.total += 1
            return true
        }
    }

    func leave(_ source: IPAddress) {
        counts.withLock { counts in
            counts.total -= 1
            let count = counts.bySource[source, default: 1] - 1
            counts.bySource[source] = count > 0 ? count : nil
        }
    }
}
