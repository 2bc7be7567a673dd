import KubeObject
import KubeRegistry

/// The streams of a process, multiplexed over a WebSocket: the first byte of each message is its channel.
/// Source: KEP-4006, https://github.com/kubernetes/enhancements/issues/4006
struct RemoteCommand: Sendable {
    enum Subprotocol: String, CaseIterable, Sendable {
        /// With a message that closes one channel.
        case v5 = "v5.channel.k8s.io"
        case v4 = "v4.channel.k8s.io"
        case v4Base64 = "v4.base64.channel.k8s.io"
        /// Up to here an error is told as plain text, and success by nothing.
        case v1 = "channel.k8s.io"
        case v1Base64 = "base64.channel.k8s.io"
        /// Of a client that asks for none: the same as the first.
        case none = ""

        var isBase64: Bool { self == .v4Base64 || self == .v1Base64 }

        /// What goes over the error channel at the end.
        func report(_ status: JSON) -> [UInt8]? {
            switch self {
            case .v5, .v4, .v4Base64: status.encoded()
            case .v1, .v1Base64, .none: status["status"] == "Success" ? nil : Array((status["message"]?.string ?? "").utf8)
            }
        }
    }

    enum Channel: UInt8, Sendable {
        case stdin = 0
        case stdout = 1
        case stderr = 2
        case error = 3
        case resize = 4
        /// v5: the second byte is the channel that the client has nothing more for.
        case close = 255
    }

    struct Options: Sendable, Equatable {
        var stdin: Bool
        var stdout: Bool
        var stderr: Bool
        var tty: Bool

        init(_ query: QueryItems, isAttach: Bool) {
            self.stdin = query.flag("stdin")
            self.stdout = query["stdout"] == nil ? true : query.flag("stdout")
            self.stderr = query["stderr"] == nil ? true : query.flag("stderr")
            self.tty = query.flag("tty")
            // A terminal has one output.
            if self.tty { self.stderr = false }
        }
    }

    let session: any WebSocketSession
    let subprotocol: Subprotocol
    let options: Options

    init(session: any WebSocketSession, subprotocol: Subprotocol, options: Options) {
        self.session = subprotocol.isBase64 ? Base64Session(session) : session
        self.subprotocol = subprotocol
        self.options = options
    }

    /// Runs a process with its streams on the WebSocket, and tells the client how it ended.
    func run(_ process: @escaping @Sendable (ContainerIO) async throws -> Int32) async throws {
        let stdin = ByteHandoff()
        let (resizes, resize) = AsyncThrowingStream<TerminalSize, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        // As upstream: the first message tells the client that the connection stands.
        try await self.session.send([(self.options.stdout ? Channel.stdout : self.options.stderr ? .stderr : .error).rawValue])
        let io = ContainerIO(
            stdin: self.options.stdin ? stdin : nil,
            stdout: self.options.stdout ? ChannelSink(session: self.session, channel: Channel.stdout.rawValue) : nil,
            stderr: self.options.stderr ? ChannelSink(session: self.session, channel: Channel.stderr.rawValue) : nil,
            tty: self.options.tty, resizes: self.options.tty ? resizes : nil)

        let outcome = await ProcessOutcome.first(
            of: { try await process(io) }, orEndOf: { await self.readInput(stdin: stdin, resize: resize) })
        stdin.finish()
        resize.finish()
        guard let status = outcome.status else { return }
        if let report = self.subprotocol.report(status) { try await self.session.send([Channel.error.rawValue] + report) }
        try await self.session.close(code: 1000, reason: "")
    }

    /// Takes the client's messages until it closes or is gone.
    private func readInput(stdin: ByteHandoff, resize: AsyncThrowingStream<TerminalSize, any Error>.Continuation) async {
        var input = RemoteInput(
            takesStdin: self.options.stdin, takesSizes: self.options.tty, closesChannels: self.subprotocol == .v5)
        do {
            while case .data(let bytes, let isStart) = try await self.session.receive() {
                switch input.take(bytes, isStart: isStart) {
                case .stdin(let bytes): await stdin.give(bytes)
                case .stdinEnded: stdin.finish()
                case .resized(let size): resize.yield(size)
                case .excessive: return
                case nil: break
                }
            }
        } catch {
            // The client is gone: the same as its close.
        }
        stdin.finish()
    }
}

/// Sends a process's output on one channel.
struct ChannelSink: ByteSink {
    let session: any WebSocketSession
    let channel: UInt8

    private static let pieceSize = 64 << 10

    func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try await self.session.send([self.channel] + rest.prefix(Self.pieceSize))
            rest = rest.dropFirst(Self.pieceSize)
        }
    }

    func finish() async {}
}
