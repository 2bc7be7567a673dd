import NIOCore
import NIOHTTP2

/// Closes a connection whose peer has broken the protocol for good, by a block of headers without end for one. The peer has been told by
/// then (GOAWAY); what it goes on sending would be read and thrown away for as long as it liked. Errors of one stream end that stream only.
final class HTTP2ErrorHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if Self.endsConnection(error) { context.close(promise: nil) }
        context.fireErrorCaught(error)
    }

    /// The errors that nothing but a broken or hostile peer makes, and those of what is below HTTP/2. (NIO doesn't say of its others whether a
    /// stream or the connection has failed.)
    private static func endsConnection(_ error: any Error) -> Bool {
        switch error {
        case is NIOHTTP2Errors.BadClientMagic, is NIOHTTP2Errors.UnableToParseFrame,
            is NIOHTTP2Errors.ExcessiveContinuationFrames, is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock,
            is NIOHTTP2Errors.ExcessiveRSTFrames, is NIOHTTP2Errors.ExcessiveControlFrames,
            is NIOHTTP2Errors.ExcessiveEmptyDataFrames, is NIOHTTP2Errors.ExcessiveNumberOfGlitches,
            is NIOHTTP2Errors.ExcessiveStreamErrors, is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering:
            true
        default: !(error is any NIOHTTP2Error)
        }
    }
}
