import KubeAPI
import KubeRegistry
import NIOCore
import NIOEmbedded
import NIOWebSocket

/// What upgraded connections carry: SPDY frames, and WebSocket frames with channels in them.
extension FuzzedDecoder {
    static let streams = [
        FuzzedDecoder("spdy", seeds: spdySeeds, tokens: spdyTokens) { bytes throws(BrokenPromise) in
            var connection = SPDYConnection()
            var limits = SPDYConnection.Limits()
            limits.streams = 1000
            var taken = 0
            // In pieces, as a connection gives them; how many follows from the input, so that it is the same each time.
            let size = 1 + Int(bytes.first ?? 0)
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(size)
                rest = rest.dropFirst(size)
                let events: [SPDYConnection.Event]
                do { events = try connection.receive(Array(piece)) } catch { return }
                for event in events {
                    if case .data(_, let data) = event { taken += data.count }
                    if case .opened(let stream, _) = event {
                        _ = try? connection.reply(to: stream)
                        _ = connection.data(stream, [1, 2, 3], isLast: false)
                    }
                }
                guard connection.takeOutput().count <= 64 * (bytes.count + 1) else {
                    throw BrokenPromise("it answers without end")
                }
            }
            guard taken <= bytes.count else { throw BrokenPromise("there is more data than was sent") }
            guard connection.openStreams <= limits.streams else { throw BrokenPromise("there are more streams than may be") }
        },
        FuzzedDecoder("websocket", seeds: webSocketSeeds, tokens: webSocketTokens) { bytes throws(BrokenPromise) in
            let channel = EmbeddedChannel()
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            var input = RemoteInput(takesStdin: true, takesSizes: true, closesChannels: true)
            var taken = 0
            do {
                try channel.pipeline.syncOperations.addHandlers([
                    WebSocketFrameEncoder(),
                    ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: WebSocketWireHandler.frameLimit)),
                    WebSocketWireHandler(),
                ])
                let size = 1 + Int(bytes.last ?? 0)
                var rest = bytes[...]
                while !rest.isEmpty {
                    try channel.writeInbound(ByteBuffer(bytes: rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    while case .frame(let frame)? = try channel.readInbound(as: InboundPart.self) {
                        let piece = Array(frame.unmaskedData.readableBytesView)
                        if case .stdin(let data)? = input.take(piece, isStart: frame.opcode != .continuation) {
                            taken += data.count
                        }
                    }
                    while try channel.readOutbound(as: ByteBuffer.self) != nil {}
                }
            } catch {
                // Refused.
            }
            guard taken <= bytes.count else { throw BrokenPromise("there is more input than was sent") }
        },
    ]

    // MARK: What is sent in earnest

    private static let spdySeeds: [[UInt8]] = {
        func number(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
        func open(_ stream: UInt32, _ type: String, _ deflater: HeaderDeflater, flags: UInt8 = 0) -> [UInt8] {
            let headers = SPDYHeaders.encode([("streamtype", type), ("port", "80"), ("requestid", "1")])
            guard let block = try? deflater.deflate(headers) else { return [] }
            return SPDYFrame.control(.synStream, flags: flags, number(stream) + number(0) + [0, 0] + block)
        }
        let exec = HeaderDeflater()
        let streams = ["error", "stdin", "stdout", "stderr", "resize"].enumerated().flatMap {
            open(UInt32(2 * $0.offset + 1), $0.element, exec)
        }
        let forward = HeaderDeflater()
        return [
            streams + SPDYFrame.data(3, [0x68, 0x69, 0x0A], isLast: true) + SPDYFrame.control(.ping, number(1)),
            open(1, "error", forward, flags: 1) + open(3, "data", forward)
                + SPDYFrame.data(3, Array(repeating: 7, count: 100)[...], isLast: false)
                + SPDYFrame.control(.rstStream, number(3) + number(5)),
            SPDYFrame.control(.settings, number(1) + number(4) + number(1000))
                + SPDYFrame.control(.windowUpdate, number(0) + number(65536))
                + SPDYFrame.control(.goAway, number(0) + number(0)),
        ]
    }()

    private static let spdyTokens: [[UInt8]] = [
        [0x80, 3, 0, 1], [0x80, 3, 0, 2], [0x80, 3, 0, 3], [0x80, 3, 0, 8], [0, 0, 0, 1], [0x7F, 0xFF, 0xFF, 0xFF],
        [0xFF, 0xFF, 0xFF],
        [0x78, 0xBB, 0xE3, 0xC6, 0xA7, 0xC2],
    ]

    private static let webSocketSeeds: [[UInt8]] = {
        func frame(_ opcode: UInt8, _ payload: [UInt8], isLast: Bool = true) -> [UInt8] {
            let mask: [UInt8] = [1, 2, 3, 4]
            let count = payload.count
            let length: [UInt8] = count < 126 ? [UInt8(count) | 0x80] : [0xFE, UInt8(count >> 8), UInt8(count & 255)]
            return [opcode | (isLast ? 0x80 : 0)] + length + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
        }
        let size = [4] + Array(#"{"Width":80,"Height":24}"#.utf8)
        return [
            frame(2, [0, 0x6C, 0x73, 0x0A]) + frame(2, size) + frame(9, [1]) + frame(2, [255, 0]) + frame(8, [3, 0xE8]),
            frame(2, [0] + Array(repeating: 0x61, count: 300), isLast: false) + frame(0, Array(repeating: 0x62, count: 20))
                + frame(10, []),
            frame(1, Array(size.prefix(9)), isLast: false) + frame(0, Array(size.dropFirst(9))),
        ]
    }()

    private static let webSocketTokens: [[UInt8]] = [
        [0x82, 0x80], [0x00, 0x80], [0x82, 0xFE], [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x88, 0x80],
        [0x89, 0xFD],
        [4, 0x7B], [0xFF, 0],
    ]
}
