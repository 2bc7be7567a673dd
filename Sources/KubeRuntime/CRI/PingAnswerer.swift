internal import NIOCore

/// Answers HTTP/2 pings before the HTTP/2 handler counts them.
///
/// A gRPC server in Go measures its connections by pings, one for nearly every request; NIO's HTTP/2 takes more than 200 of them in
/// 30 seconds for an attack and closes the connection, with all calls on it. The transport lets neither be configured, so the pings
/// are taken out here, frame by frame (RFC 9113, 4.1 and 6.7). First in the pipeline; not thread-safe, as any handler.
final class PingAnswerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headerSize = 9
    private static let pingType: UInt8 = 6
    private static let pingSize = 8

    private var buffer = ByteBuffer()
    /// So many bytes belong to a frame that is for the next handler.
    private var passing = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        buffer.writeBuffer(&input)
        var output = context.channel.allocator.buffer(capacity: buffer.readableBytes)
        var answers = context.channel.allocator.buffer(capacity: 0)
        while true {
            if passing > 0 {
                let count = min(passing, buffer.readableBytes)
                guard count > 0, var slice = buffer.readSlice(length: count) else { break }
                output.writeBuffer(&slice)
                passing -= count
                continue
            }
            let start = buffer.readerIndex
            guard let high = buffer.getInteger(at: start, as: UInt16.self),
                let low = buffer.getInteger(at: start + 2, as: UInt8.self),
                let type = buffer.getInteger(at: start + 3, as: UInt8.self),
                let flags = buffer.getInteger(at: start + 4, as: UInt8.self),
                buffer.readableBytes >= Self.headerSize
            else { break }
            let length = Int(high) << 8 | Int(low)
            guard type == Self.pingType, flags & 1 == 0, length == Self.pingSize else {
                passing = Self.headerSize + length
                continue
            }
            guard buffer.readableBytes >= Self.headerSize + length else { break }
            buffer.moveReaderIndex(forwardBy: Self.headerSize)
            guard var payload = buffer.readSlice(length: length) else { break }
            // Length 8, type PING, flag ACK, stream 0.
            answers.writeBytes([0, 0, UInt8(Self.pingSize), Self.pingType, 1, 0, 0, 0, 0])
            answers.writeBuffer(&payload)
        }
        buffer.discardReadBytes()
        if answers.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(answers), promise: nil) }
        if output.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(output)) }
    }
}
