import NIOCore
import NIOHTTP2

/// The streams of one HTTP/2 connection, each a wire. It belongs just behind NIO's handler, whose frame delegate it is.
///
/// NIO can make a channel with a pipeline for each stream. That took more of the time of a small request than everything else of HTTP/2, and
/// here a stream is a few fields. Framing, header compression, the protocol's states, and what waits for a client's windows are NIO's.
///
/// Confined to its channel's event loop.
final class HTTP2StreamsHandler: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// What a client may send on all its streams together before it was looked at.
    private static let window = 1 << 20

    /// One for each request, in their order.
    let wires: AsyncStream<Wire>
    let pumps: PumpQueues
    private let arrivals: AsyncStream<Wire>.Continuation
    private let timeouts: WireTimeouts
    private let delegate: (any NIOHTTP2StreamDelegate)?
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: HTTP2Stream] = [:]
    /// Those whose request began with what is read now, and isn't complete.
    private var begun: [HTTP2Stream] = []
    /// Those that have something to do, and not while a frame is written.
    private var postponed: [HTTP2Stream] = []
    private var isReading = false
    private var isFlushWanted = false
    /// Whether the connection takes more.
    private(set) var isWritable = true

    /// - Parameter delegate: told of the streams that are wires. There are others, in NIO's events: those whose beginning was refused.
    init(timeouts: WireTimeouts, pumps: PumpQueues, delegate: (any NIOHTTP2StreamDelegate)? = nil) {
        self.timeouts = timeouts
        self.delegate = delegate
        self.pumps = pumps
        (self.wires, self.arrivals) = AsyncStream.makeStream()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.isWritable = context.channel.isWritable
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    private func finish() {
        let streams = self.streams.values
        self.streams = [:]
        self.begun = []
        self.postponed = []
        for stream in streams { stream.finish(nil) }
        self.arrivals.finish()
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        let frame = self.unwrapInboundIn(data)
        guard frame.streamID != .rootStream else { return context.fireChannelRead(data) }
        if let stream = self.streams[frame.streamID] {
            stream.receive(frame.payload)
        } else if case .headers(let content) = frame.payload {
            let stream = HTTP2Stream(frame.streamID, of: self, on: context.eventLoop)
            self.streams[frame.streamID] = stream
            self.delegate?.streamCreated(frame.streamID, channel: context.channel)
            let wire = stream.makeWire()
            stream.receive(frame.payload)
            if !content.endStream { self.begun.append(stream) }
            self.arrivals.yield(wire)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        if !self.begun.isEmpty {
            for stream in self.begun { stream.awaitBody(self.timeouts.body) }
            self.begun.removeAll(keepingCapacity: true)
        }
        if self.isFlushWanted {
            self.isFlushWanted = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent:
            if event.streamID == .rootStream, let size = event.inboundWindowSize { self.giveRoom(size) }
        case let event as StreamClosedEvent:
            guard let stream = self.streams.removeValue(forKey: event.streamID) else { return }
            stream.finish(event.reason.map { NIOHTTP2Errors.streamClosed(streamID: event.streamID, errorCode: $0) })
            self.delegate?.streamClosed(event.streamID, channel: context.channel)
        case is NIOHTTP2StreamCreatedEvent: break
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func giveRoom(_ size: Int) {
        guard size <= Self.window / 2 else { return }
        self.send(.windowUpdate(windowSizeIncrement: Self.window - size), on: .rootStream)
        self.flush()
    }

    /// What a stream was to send couldn't be: who waits for it must not wait for ever.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? NIOHTTP2Errors.StreamError else { return context.fireErrorCaught(error) }
        self.streams[error.streamID]?.reset(.internalError)
    }

    // MARK: What goes

    func send(_ payload: HTTP2Frame.FramePayload, on stream: HTTP2StreamID) {
        guard let context else { return }
        context.write(self.wrapOutboundOut(HTTP2Frame(streamID: stream, payload: payload)), promise: nil)
    }

    /// While frames are read there is one flush for all of them.
    func flush() {
        if self.isReading { self.isFlushWanted = true } else { self.context?.flush() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.isWritable = context.channel.isWritable
        for stream in self.streams.values { stream.updateWritability() }
        context.fireChannelWritabilityChanged()
    }

    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let content):
            self.streams[frame.streamID]?.wrote(content.data.readableBytes, isLast: content.endStream)
        case .headers(let content):
            if content.endStream { self.streams[frame.streamID]?.wrote(0, isLast: true) }
        default: break
        }
    }

    func postpone(_ stream: HTTP2Stream) {
        self.postponed.append(stream)
        guard self.postponed.count == 1, let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.proceed() }
    }

    private func proceed() {
        let postponed = self.postponed
        self.postponed = []
        for stream in postponed { stream.proceed() }
    }
}
