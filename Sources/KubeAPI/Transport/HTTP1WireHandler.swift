import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// Translates HTTP/1.1 parts to wire parts, enforces the waiting times for a request, answers what can't be parsed, and turns the
/// pipeline into a WebSocket's when told to.
///
/// Confined to its channel's event loop.
final class HTTP1WireHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = InboundPart
    typealias OutboundIn = OutboundPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// No request is open; a timer runs.
        case idle
        /// The head is in, the body isn't; a timer runs.
        case receiving
        /// The request is complete, its response isn't.
        case responding
        case closed
    }

    private let timeouts: WireTimeouts
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let encoder: HTTPResponseEncoder
    private var state = State.idle
    /// The response ended before the request's body did: the rest of the body is awaited, then the next request may come.
    private var responseEnded = false
    private var responseBegan = false
    private var closeAfterResponse = false
    private var isDraining = false
    /// Parts of pipelined requests, while the one before is answered.
    private var pending: [HTTPServerRequestPart] = []
    private var deadline: Deadline?
    private let pumps: PumpQueues
    private var pump: WirePump?

    private init(
        timeouts: WireTimeouts, decoder: ByteToMessageHandler<HTTPRequestDecoder>, encoder: HTTPResponseEncoder,
        pumps: PumpQueues
    ) {
        self.timeouts = timeouts
        self.pumps = pumps
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Adds the HTTP/1.1 handlers to a channel. On its event loop.
    static func configure(_ channel: any Channel, limits: ServerLimits, pumps: PumpQueues) throws {
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = limits.headerBytes
        decoderLimits.maxHeaderListSize = limits.headerBytes
        decoderLimits.maxHeaderFieldCount = limits.headerCount
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoderLimits))
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(
            HTTP1WireHandler(timeouts: limits.timeouts, decoder: decoder, encoder: encoder, pumps: pumps))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let shortest = min(self.timeouts.head, self.timeouts.body, self.timeouts.idle)
        self.deadline = Deadline(context.eventLoop, shortest: shortest) { bound.value.handler.isLate(bound.value.context) }
        self.startTimer(self.timeouts.head)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        self.deadline = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.state = .closed
        self.stopTimer()
        self.pump?.stop()
        self.pump = nil
        context.fireChannelInactive()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        switch self.state {
        case .closed: return
        case .responding:
            // A pipelined request waits for its turn. What doesn't fit isn't worth waiting for.
            guard self.pending.count < 64 else { return context.close(promise: nil) }
            self.pending.append(part)
        case .idle, .receiving: self.receive(part, context)
        }
    }

    private func receive(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            let request: HTTPRequest
            do {
                request = try HTTPRequest(head, secure: true, splitCookie: false)
            } catch {
                return self.reject(.badRequest, context)
            }
            self.state = .receiving
            self.responseBegan = false
            self.responseEnded = false
            self.startTimer(self.timeouts.body)
            if request.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
            let isFinal = !head.isKeepAlive || head.headers.contains(name: "upgrade") || self.isDraining
            context.fireChannelRead(self.wrapInboundOut(.head(request, isFinal: isFinal)))
        case .body(let bytes):
            context.fireChannelRead(self.wrapInboundOut(.body(bytes)))
        case .end:
            self.stopTimer()
            self.state = .responding
            context.fireChannelRead(self.wrapInboundOut(.end))
            if self.responseEnded { self.finish(context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: self.reject(.requestHeaderFieldsTooLarge, context)
        case is HTTPParserError: self.reject(.badRequest, context)
        default: context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            self.isDraining = true
            self.closeAfterResponse = true
            if case .idle = self.state { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Answers what isn't HTTP (unless an answer is already on its way), and closes.
    private func reject(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        guard !self.responseBegan else { return context.close(promise: nil) }
        self.responseBegan = true
        let text = "\(status.code) \(status.reasonPhrase)"
        let head = HTTPResponseHead(
            version: .http1_1, status: status,
            headers: ["content-type": "text/plain; charset=utf-8", "content-length": "\(text.utf8.count)", "connection": "close"])
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in loopBound.value.close(promise: nil) }
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let response, let isFinal):
            guard !self.responseBegan else {
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            }
            self.responseBegan = true
            if isFinal { self.closeAfterResponse = true }
            var head = HTTPResponseHead(response)
            if self.closeAfterResponse { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes):
            context.write(self.wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .push(let push):
            self.push(push, context)
            promise?.succeed()
        case .end:
            self.pump = nil
            self.responseEnded = true
            guard self.closeAfterResponse else {
                context.write(self.wrapOutboundOut(.end(nil)), promise: promise)
                if case .responding = self.state { self.finish(context) }
                return
            }
            self.state = .closed
            let written = promise ?? context.eventLoop.makePromise()
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in loopBound.value.close(promise: nil) }
            context.write(self.wrapOutboundOut(.end(nil)), promise: written)
        case .patience:
            if case .receiving = self.state { self.stopTimer() }
            promise?.succeed()
        case .upgrade(let response, let kind):
            self.upgrade(response, kind, context, promise)
        case .frame:
            promise?.fail(ChannelError.operationUnsupported)
        }
    }

    /// The chunks of a pushed body are made by its source, once for many, and pass by the encoder.
    private func push(_ push: WirePush, _ context: ChannelHandlerContext) {
        let encoder: ChannelHandlerContext
        do {
            encoder = try context.pipeline.syncOperations.context(handler: self.encoder)
        } catch {
            // It goes with the wire.
            return push.end()
        }
        let pump = WirePump(
            push, framing: .chunk, loop: context.eventLoop, queue: self.pumps.queue(of: context.eventLoop),
            isWritable: { context.channel.isWritable }, write: { encoder.write(NIOAny($0), promise: nil) },
            flush: { encoder.flush() })
        self.pump = pump
        pump.start()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.pump?.run()
        context.fireChannelWritabilityChanged()
    }

    private func finish(_ context: ChannelHandlerContext) {
        self.state = .idle
        self.startTimer(self.timeouts.idle)
        guard !self.pending.isEmpty else { return }
        let parts = self.pending
        self.pending = []
        for part in parts {
            if case .responding = self.state { self.pending.append(part) } else { self.receive(part, context) }
        }
        context.fireChannelReadComplete()
    }

    // MARK: Upgrade

    private func upgrade(
        _ response: HTTPResponse, _ kind: UpgradeKind, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        guard case .responding = self.state, !self.responseBegan else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        self.stopTimer()
        context.write(self.wrapOutboundOut(.head(HTTPResponseHead(response))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: promise)
        let pipeline = context.pipeline.syncOperations
        do {
            switch kind {
            case .webSocket:
                try pipeline.addHandler(WebSocketFrameEncoder(), position: .before(self))
                try pipeline.addHandler(
                    ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: WebSocketWireHandler.frameLimit)),
                    position: .before(self))
                try pipeline.addHandler(WebSocketProtocolErrorHandler(), position: .before(self))
                try pipeline.addHandler(WebSocketWireHandler(), position: .before(self))
            case .bytes:
                try pipeline.addHandler(ByteWireHandler(), position: .before(self))
            }
        } catch {
            return context.close(promise: nil)
        }
        // The decoder goes last: the bytes that it holds already belong to what is behind it.
        pipeline.removeHandler(self.encoder, promise: nil)
        pipeline.removeHandler(self, promise: nil)
        pipeline.removeHandler(self.decoder, promise: nil)
    }

    // MARK: Timer

    private func startTimer(_ amount: TimeAmount) {
        self.deadline?.set(amount)
    }

    private func stopTimer() {
        self.deadline?.clear()
    }

    private func isLate(_ context: ChannelHandlerContext) {
        if case .receiving = self.state {
            self.reject(.requestTimeout, context)
        } else {
            context.close(promise: nil)
        }
    }
}
