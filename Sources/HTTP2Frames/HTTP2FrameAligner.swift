public import NIOCore

/// Hands on what comes from a peer in whole HTTP/2 frames, a few at a time. It belongs just before NIO's HTTP/2 handler.
///
/// That handler keeps what it has of an incomplete frame in one buffer, to which everything else is appended and from which nothing is taken
/// off before a piece ends exactly with a frame. A peer that sees to it that none does has the buffer grow by all that it sends, until
/// the process ends; and a buffer that has become large is copied as a whole for each further piece, which is what made reading slow
/// after long answers. Here an incomplete frame is kept by itself, so nothing is ever held but that.
///
/// Confined to its channel's event loop.
public final class HTTP2FrameAligner: ChannelInboundHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer

    /// Whose frames come in.
    public enum Peer: Sendable {
        /// Begins with the connection preface (RFC 9113, section 3.4).
        case client
        case server
    }

    private static let prefaceSize = 24
    private static let headerSize = 9
    /// What no frame's payload may be longer than, unless one allows more, which nobody here does (`SETTINGS_MAX_FRAME_SIZE`).
    private static let payloadLimit = 1 << 14

    private var prefaceLeft: Int
    /// The beginning of a frame, never the whole of one.
    private var partial = ByteBuffer()
    /// What comes aren't frames, or they are wrong: the HTTP/2 handler knows what to do about it.
    private var passesOn = false

    public init(from peer: Peer) {
        prefaceLeft = peer == .client ? Self.prefaceSize : 0
    }

    /// How many bytes are held.
    var held: Int { partial.readableBytes }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !passesOn else { return context.fireChannelRead(data) }
        if prefaceLeft > 0, let preface = bytes.readSlice(length: min(prefaceLeft, bytes.readableBytes)) {
            prefaceLeft -= preface.readableBytes
            emit(preface, context)
        }
        guard completePartial(&bytes, context) else { return }
        emitFrames(&bytes, context)
        guard bytes.readableBytes > 0 else { return }
        if passesOn { return emit(bytes, context) }
        partial = context.channel.allocator.buffer(capacity: Self.frameSize(bytes) ?? Self.headerSize)
        partial.writeBuffer(&bytes)
    }

    /// Adds to the frame that has begun; false when it still isn't complete, and so nothing is left.
    private func completePartial(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard partial.readableBytes > 0 else { return true }
        var wanted = Self.headerSize
        if partial.readableBytes < wanted { take(wanted - partial.readableBytes, from: &bytes) }
        guard let size = Self.frameSize(partial) else { return false }
        wanted = size
        if wanted - Self.headerSize > Self.payloadLimit {
            passesOn = true
        } else {
            take(wanted - partial.readableBytes, from: &bytes)
            guard partial.readableBytes == wanted else { return false }
        }
        let whole = partial
        partial = ByteBuffer()
        emit(whole, context)
        return true
    }

    private func take(_ count: Int, from bytes: inout ByteBuffer) {
        if var piece = bytes.readSlice(length: min(count, bytes.readableBytes)) { partial.writeBuffer(&piece) }
    }

    /// Leaves the beginning of a frame that isn't complete, or everything from a frame on that is too long.
    private func emitFrames(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
        var count = 0
        while !passesOn {
            let rest = bytes.getSlice(at: bytes.readerIndex + count, length: bytes.readableBytes - count)
            let size = rest.flatMap { Self.frameSize($0) }
            if let size, size - Self.headerSize > Self.payloadLimit { passesOn = true }
            if let size, !passesOn, count + size <= bytes.readableBytes, count == 0 || count + size <= Self.payloadLimit {
                count += size
                continue
            }
            guard count > 0, let frames = bytes.readSlice(length: count) else { return }
            count = 0
            emit(frames, context)
        }
    }

    private func emit(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        context.fireChannelRead(wrapInboundOut(bytes))
    }

    /// The size of the frame that some bytes begin with, with its header; nil when that isn't there yet.
    private static func frameSize(_ bytes: ByteBuffer) -> Int? {
        guard bytes.readableBytes >= headerSize,
            let high = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self),
            let low = bytes.getInteger(at: bytes.readerIndex + 1, as: UInt16.self)
        else { return nil }
        return headerSize + Int(high) << 16 + Int(low)
    }
}
