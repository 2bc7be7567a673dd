internal import GRPCCore
import KubeRegistry
internal import SwiftProtobuf

/// Joins a container's main process.
///
/// A terminal is joined through the CRI's streaming server. Without one, only the input goes that way, and the output comes from the
/// log: there the end of the input can only be told by closing the connection, after which the output must still arrive. (And a
/// connection that asks for no input counts as one whose input has ended, which would close the process's.)
struct AttachSession: Sendable {
    let client: EngineClient
    let container: String
    let io: ContainerIO
    /// Whether the process's input ends with the first client's. Otherwise it goes on, and a client whose input ends has done.
    let stdinOnce: Bool
    /// The log from now on, of one stream (`Stdout` or `Stderr`), to the container's end.
    let log: @Sendable (_ stream: String) -> LogStream

    /// Returns when the process has ended, or when a client has said all that it wanted to.
    func run() async throws {
        enum Part { case output, input, size }
        try await withThrowingTaskGroup(of: Part.self) { group in
            var outputs = 1
            if io.tty {
                let socket = try await connect(stdout: true)
                group.addTask {
                    try await socket.converse(stdin: io.stdin, stdout: io.stdout)
                    return .output
                }
                if let sizes = io.resizes {
                    group.addTask {
                        for try await size in sizes { try await resize(size) }
                        return .size
                    }
                }
            } else {
                let streams = [(io.stdout, "Stdout"), (io.stderr, "Stderr")].compactMap { sink, name in
                    sink.map { ($0, log(name)) }
                }
                outputs = streams.count
                for (sink, stream) in streams {
                    group.addTask {
                        for try await bytes in stream { try await sink.write(bytes) }
                        await sink.finish()
                        return .output
                    }
                }
                if let source = io.stdin {
                    let socket = try await connect(stdout: false)
                    group.addTask {
                        try await socket.send(source)
                        return .input
                    }
                }
            }
            parts: while outputs > 0, let part = try await group.next() {
                switch part {
                case .output: outputs -= 1
                case .input where !stdinOnce: break parts
                case .input, .size: break
                }
            }
            if io.stdout == nil && io.stderr == nil { try await group.waitForAll() }
            group.cancelAll()
        }
    }

    private func connect(stdout: Bool) async throws -> StreamingSocket {
        let answer = try await client.runtime.attach(
            .with {
                $0.containerID = container
                $0.stdin = true
                $0.stdout = stdout
                $0.tty = io.tty
            }, options: .within(.seconds(10)))
        return try await StreamingSocket.connect(answer.url)
    }

    private func resize(_ size: TerminalSize) async throws {
        do {
            _ = try await client.tasks.resizePty(
                .with {
                    $0.containerID = container
                    $0.width = UInt32(size.width)
                    $0.height = UInt32(size.height)
                }, metadata: .criNamespace, options: .within(.seconds(10)))
        } catch is RPCError {
            return  // it has ended: the size is a courtesy
        }
    }
}
