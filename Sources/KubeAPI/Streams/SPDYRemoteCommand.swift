import KubeObject
import KubeRegistry

/// The streams of a process over SPDY/3.1, one stream each, named by the header `streamType`.
/// Source: k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go
struct SPDYRemoteCommand: Sendable {
    enum Subprotocol: String, CaseIterable, Sendable {
        /// With a `Status` as JSON for every end.
        case v4 = "v4.channel.k8s.io"
        /// With a stream for the terminal's sizes.
        case v3 = "v3.channel.k8s.io"
        case v2 = "v2.channel.k8s.io"
        case v1 = "channel.k8s.io"

        var knowsSizes: Bool { self == .v4 || self == .v3 }
    }

    /// How long the client may take to open its streams.
    static let patience = Duration.seconds(30)

    let transport: any ByteSession
    let subprotocol: Subprotocol
    let options: RemoteCommand.Options

    /// The types of the streams that the client must open.
    var expected: Set<String> {
        var types: Set<String> = ["error"]
        if self.options.stdin { types.insert("stdin") }
        if self.options.stdout { types.insert("stdout") }
        if self.options.stderr { types.insert("stderr") }
        if self.options.tty, self.subprotocol.knowsSizes { types.insert("resize") }
        return types
    }

    /// Runs a process with the client's streams, and tells the client how it ended.
    func run(_ process: @escaping @Sendable (ContainerIO) async throws -> Int32) async throws {
        let session = SPDYSession(self.transport)
        let (streams, stream) = AsyncStream<SPDYStream>.makeStream()
        let expected = self.expected
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { stream.finish() }
                try await session.run(
                    accepts: { expected.contains($0["streamtype"] ?? "") }, opened: { stream.yield($0) })
            }
            guard let opened = await Self.collect(streams, expected) else {
                group.cancelAll()
                return
            }
            try await self.run(process, opened)
            try await session.goAway()
            // The client closes when it has read everything; closing first could cut off what is still on its way to it.
            group.addTask { try await Task.sleep(for: .seconds(10)) }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Waits for the client's streams; nil when they don't come, or the connection ends.
    private static func collect(_ streams: AsyncStream<SPDYStream>, _ expected: Set<String>) async -> [String: SPDYStream]? {
        await withTaskGroup(of: [String: SPDYStream]?.self) { group in
            group.addTask {
                var opened: [String: SPDYStream] = [:]
                for await stream in streams {
                    opened[stream.headers["streamtype"] ?? ""] = stream
                    if opened.count == expected.count { return opened }
                }
                return nil
            }
            group.addTask {
                do { try await Task.sleep(for: Self.patience) } catch { return nil }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func run(_ process: @escaping @Sendable (ContainerIO) async throws -> Int32, _ streams: [String: SPDYStream])
        async throws
    {
        guard let error = streams["error"] else { return }
        let (resizes, resize) = AsyncThrowingStream<TerminalSize, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let io = ContainerIO(
            stdin: streams["stdin"]?.input, stdout: streams["stdout"], stderr: streams["stderr"], tty: self.options.tty,
            resizes: streams["resize"] == nil ? nil : resizes)
        let outcome = await ProcessOutcome.first(
            of: { try await process(io) },
            orEndOf: {
                if let sizes = streams["resize"] { await Self.read(sizes.input, to: resize) }
                await error.ended.wait()
            })
        resize.finish()
        for name in ["stdin", "resize", "stdout", "stderr"] { await streams[name]?.close() }
        if let status = outcome.status { try await self.tell(status, on: error) }
        await error.close()
    }

    /// Success is told by silence, and failures in words, until v4.
    private func tell(_ status: JSON, on stream: SPDYStream) async throws {
        if self.subprotocol == .v4 {
            try await stream.write(status.encoded())
        } else if status["status"]?.string != "Success" {
            try await stream.write(Array((status["message"]?.string ?? "").utf8))
        }
    }

    /// Sizes come one after the other, each a JSON object, in pieces of any size.
    private static func read(_ input: ByteHandoff, to resize: AsyncThrowingStream<TerminalSize, any Error>.Continuation) async {
        var pending: [UInt8] = []
        do {
            for try await bytes in input {
                for byte in bytes {
                    pending.append(byte)
                    guard byte == UInt8(ascii: "}") else { continue }
                    if let size = TerminalSize(json: pending) { resize.yield(size) }
                    pending = []
                }
                guard pending.count < 1024 else { return }
            }
        } catch {
            // The client is gone, as `ended` says as well.
        }
    }
}
