import Glibc
import KubeObject
import KubeRegistry

/// A container's log as its reader wants it: an asynchronous sequence that reads on when asked for more, so that a slow reader costs
/// no memory.
struct LogStream: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    let files: LogFiles
    let options: LogOptions
    /// Seconds since 1970: nothing written before.
    let since: Double?
    /// Where in the current file to begin, instead of at the log's beginning or its last lines.
    var start: Int64?
    /// Whether the container still runs, and so may write more.
    let isRunning: @Sendable () async -> Bool

    func makeAsyncIterator() -> Iterator { Iterator(self) }

    struct Iterator: AsyncIteratorProtocol {
        private let stream: LogStream
        private var pending: [String] = []
        private var path: String?
        private var reader: FileReader?
        private var hasBegun = false
        private var isDone = false
        private var rest: [UInt8] = []
        private var left: Int64?

        init(_ stream: LogStream) {
            self.stream = stream
            left = stream.options.limitBytes
        }

        mutating func next() async throws -> [UInt8]? {
            if isDone { return nil }
            if !hasBegun { try begin() }
            while true {
                try Task.checkCancellation()
                if let bytes = try reader?.read(), !bytes.isEmpty {
                    let output = convert(bytes)
                    if !output.isEmpty { return output }
                    if isDone { return nil }
                    continue
                }
                guard try await advance() else {
                    isDone = true
                    return nil
                }
            }
        }

        private mutating func begin() throws {
            hasBegun = true
            if let start = stream.start {
                try open(stream.files.current, offset: start)
            } else if let lines = stream.options.tailLines {
                let start = try stream.files.start(lastLines: lines)
                try open(start.file, offset: start.offset)
                pending = start.following
            } else {
                pending = stream.files.rotated + [stream.files.current]
                try open(pending.removeFirst(), offset: 0)
            }
        }

        private mutating func open(_ path: String, offset: Int64) throws {
            self.path = path
            reader = try FileReader(path, offset: offset)
        }

        /// At a file's end: the next file, or waiting for more. False when there won't be more.
        private mutating func advance() async throws -> Bool {
            if !pending.isEmpty {
                try open(pending.removeFirst(), offset: 0)
                return true
            }
            guard stream.options.follow else { return false }
            // Asked before looking for more: what was written before the end is then read.
            let mayGrow = await stream.isRunning()
            if reader == nil || reader?.isReplaced(at: stream.files.current) == true {
                if let bytes = try reader?.read(), !bytes.isEmpty {
                    rest = bytes + rest
                    return true
                }
                if File.exists(stream.files.current) {
                    try open(stream.files.current, offset: 0)
                    return true
                }
            }
            if try reader?.hasMore() == true { return true }
            guard mayGrow else { return false }
            for _ in 0..<5 {
                try await Task.sleep(for: .milliseconds(40))
                if try reader?.hasMore() == true || reader?.isReplaced(at: stream.files.current) != false { break }
            }
            return true
        }

        /// Whole lines of the file become what the container wrote.
        private mutating func convert(_ bytes: [UInt8]) -> [UInt8] {
            var output: [UInt8] = []
            let input = rest + bytes
            var start = input.startIndex
            while let end = input[start...].firstIndex(of: 10) {
                if let line = LogLine(input[start..<end]), isWanted(line) {
                    if stream.options.timestamps { output += Array((line.time + " ").utf8) }
                    output += line.content
                    if !line.isPartial { output.append(10) }
                }
                start = end + 1
            }
            rest = Array(input[start...])
            if let left {
                if Int64(output.count) >= left {
                    output = Array(output.prefix(Int(left)))
                    isDone = true
                }
                self.left = left - Int64(output.count)
            }
            return output
        }

        private func isWanted(_ line: LogLine) -> Bool {
            switch stream.options.stream {
            case "Stdout" where line.isError: return false
            case "Stderr" where !line.isError: return false
            default: break
            }
            guard let since = stream.since, let time = Timestamp.parse(line.time) else { return true }
            return time >= since
        }
    }
}

/// Reads one file on, in pieces.
final class FileReader {
    private let descriptor: Int32

    /// Nil when the file isn't there (yet).
    init?(_ path: String, offset: Int64) throws(EngineError) {
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system(doing: "reading the log", path: path, errno: errno)
        }
        lseek(descriptor, off_t(offset), SEEK_SET)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func read() throws(EngineError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw .system(doing: "reading", path: "the log", errno: errno) }
        return Array(buffer[..<count])
    }

    func hasMore() throws(EngineError) -> Bool {
        var facts = stat()
        fstat(descriptor, &facts)
        return facts.st_size > lseek(descriptor, 0, SEEK_CUR)
    }

    /// Whether the path names another file by now.
    func isReplaced(at path: String) -> Bool {
        var mine = stat()
        var now = stat()
        fstat(descriptor, &mine)
        return stat(path, &now) == 0 && now.st_ino != mine.st_ino
    }
}
