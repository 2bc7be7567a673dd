import Glibc
import KubeRegistry
internal import NIOCore
internal import NIOPosix

/// The named pipes of one command.
struct Pipes: Sendable {
    let directory: String
    let stdin: String?
    let stdout: String?
    let stderr: String?

    init(directory: String, stdin: Bool, stdout: Bool, stderr: Bool) throws(EngineError) {
        self.directory = directory
        self.stdin = stdin ? "\(directory)/stdin" : nil
        self.stdout = stdout ? "\(directory)/stdout" : nil
        self.stderr = stderr ? "\(directory)/stderr" : nil
        try File.makeDirectory(directory, mode: 0o700)
        for path in [self.stdin, self.stdout, self.stderr].compactMap({ $0 }) {
            guard mkfifo(path, 0o600) == 0 else { throw .system(doing: "making the pipe", path: path, errno: errno) }
        }
    }

    /// Non-blocking reading ends. They must not be read before the command has started: until then they look ended.
    func openReaders() throws(EngineError) -> (stdout: Int32?, stderr: Int32?) {
        func reader(_ path: String?) throws(EngineError) -> Int32? {
            guard let path else { return nil }
            let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { throw .system(doing: "opening the pipe", path: path, errno: errno) }
            return descriptor
        }
        return (try reader(stdout), try reader(stderr))
    }

    func remove() { File.removeTree(directory) }
}

/// Moves bytes between named pipes and a client, at the speed of the slower one.
enum PipeIO {
    /// Reads to the end, for nobody if there is no sink. Takes the descriptor over.
    static func read(_ descriptor: Int32, to sink: (any ByteSink)?) async throws {
        let channel = try await NIOPipeBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .takingOwnershipOfDescriptor(input: descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, Never>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, _ in
            for try await buffer in inbound { try await sink?.write(Array(buffer.readableBytesView)) }
        }
        await sink?.finish()
    }

    /// Writes all that comes, and then closes the pipe. A command that takes no more input ends it, without an error.
    static func write(_ source: ByteSource, to path: String) async throws {
        var descriptor: Int32 = -1
        for attempt in 0..<50 {
            descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            if descriptor >= 0 || errno != ENXIO { break }
            try await Task.sleep(for: .milliseconds(attempt < 10 ? 5 : 50))
        }
        guard descriptor >= 0 else { throw EngineError.system(doing: "opening the pipe", path: path, errno: errno) }
        let channel = try await NIOPipeBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .takingOwnershipOfDescriptor(output: descriptor).get()
        do {
            // Every write is awaited: closing the channel would drop what it still holds.
            for try await bytes in source { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
            try await channel.close()
        } catch {
            // Its second closing fails, which says nothing.
            try? await channel.close()
            if (error as? IOError)?.errnoCode == EPIPE || error is ChannelError { return }
            throw error
        }
    }
}
