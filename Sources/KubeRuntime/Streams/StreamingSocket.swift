import KubeRegistry
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOWebSocket

/// A connection to the CRI's own streaming server, in its WebSocket form (`v4.channel.k8s.io`): every message begins with the number
/// of its stream.
struct StreamingSocket: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
    private let frames: Frames

    /// - Parameter url: as the CRI's `Attach` answers it.
    static func connect(_ url: String) async throws -> StreamingSocket {
        let parts = url.split(separator: "/", maxSplits: 2).map(String.init)
        let address = parts.count == 3 ? parts[1].split(separator: ":") : []
        guard parts.first == "http:", address.count == 2, let port = Int(address[1]) else {
            throw Failure(description: "containerd gave an address for streaming that can't be used: \(url)")
        }
        let result: EventLoopFuture<Frames?> = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: String(address[0]), port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketClientUpgrader<Frames?>(
                        maxFrameSize: 1 << 20,
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture { try Frames(wrappingChannelSynchronously: channel) }
                        })
                    let headers: HTTPHeaders = [
                        "Host": parts[1], "Origin": "http://\(parts[1])", "Content-Length": "0",
                        "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
                    ]
                    let configuration = NIOTypedHTTPClientUpgradeConfiguration<Frames?>(
                        upgradeRequestHead: HTTPRequestHead(
                            version: .http1_1, method: .GET, uri: "/" + parts[2], headers: headers),
                        upgraders: [upgrader], notUpgradingCompletionHandler: { $0.eventLoop.makeSucceededFuture(nil) })
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                        configuration: .init(upgradeConfiguration: configuration))
                }
            }
        guard let frames = try await result.get() else { throw Failure(description: "containerd refused to stream") }
        return StreamingSocket(frames: frames)
    }

    /// A terminal's both ways: returns when the output has ended.
    func converse(stdin: ByteSource?, stdout: (any ByteSink)?) async throws {
        try await frames.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                if let stdin {
                    group.addTask {
                        try await Self.write(stdin, to: outbound)
                        return false
                    }
                }
                group.addTask {
                    for try await frame in inbound {
                        switch frame.opcode {
                        case .binary, .text:
                            let bytes = Array(frame.unmaskedData.readableBytesView)
                            // An empty message opens a stream.
                            if bytes.first == 1, bytes.count > 1 { try await stdout?.write(Array(bytes[1...])) }
                        case .ping:
                            try await outbound.write(
                                WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData))
                        case .connectionClose: return true
                        default: continue
                        }
                    }
                    return true
                }
                while let isEnd = try await group.next() { if isEnd { break } }
                group.cancelAll()
            }
        }
        await stdout?.finish()
    }

    /// Gives the input, and then closes: which is the input's end, as nothing else is sent here.
    func send(_ source: ByteSource) async throws {
        try await frames.executeThenClose { inbound, outbound in
            try await Self.write(source, to: outbound)
            try await outbound.write(
                WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: ByteBuffer(bytes: [0x03, 0xe8])))
            // The other side closes when it has taken everything.
            for try await frame in inbound where frame.opcode == .connectionClose { break }
        }
    }

    private static func write(_ source: ByteSource, to outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>) async throws {
        for try await bytes in source {
            var start = 0
            while start < bytes.count {
                let piece = bytes[start..<min(start + 32_768, bytes.count)]
                start += piece.count
                try await outbound.write(
                    WebSocketFrame(fin: true, opcode: .binary, maskKey: .random(), data: ByteBuffer(bytes: [0] + piece)))
            }
        }
    }
}
