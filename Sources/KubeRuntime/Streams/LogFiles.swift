import Glibc

/// The files of one container's log, in the order in which they were written: those that rotation has put aside, and the current one.
struct LogFiles: Sendable {
    /// The current file: `DIRECTORY/ATTEMPT.log`. Rotated ones are beside it, as `ATTEMPT.log.YYYYMMDD-HHMMSS`.
    let current: String

    var rotated: [String] {
        guard let slash = current.lastIndex(of: "/") else { return [] }
        let directory = String(current[..<slash])
        let name = String(current[current.index(after: slash)...])
        return File.names(in: directory).filter { $0.hasPrefix(name + ".") }.map { "\(directory)/\($0)" }
    }

    /// Bytes; 0 when there is no file yet.
    var currentSize: Int64 {
        var facts = stat()
        return stat(current, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    /// Where reading begins: the number of files to skip at the front, and the offset in the first one read, so that the last
    /// `lines` lines follow.
    func start(lastLines lines: Int64) throws(EngineError) -> (file: String, offset: Int64, following: [String]) {
        let all = rotated + [current]
        var left = lines
        for index in all.indices.reversed() {
            let (found, offset) = try Self.offset(all[index], lines: left)
            if found >= left || index == 0 { return (all[index], offset, Array(all[(index + 1)...])) }
            left -= found
        }
        return (current, 0, [])
    }

    /// How many of the last `lines` lines are in this file, and where the first of them begins.
    private static func offset(_ path: String, lines: Int64) throws(EngineError) -> (found: Int64, offset: Int64) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return (0, 0) }
            throw .system(doing: "reading the log", path: path, errno: errno)
        }
        defer { close(descriptor) }
        let size = Int64(lseek(descriptor, 0, SEEK_END))
        if lines <= 0 { return (0, size) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        var end = size
        var newlines: Int64 = 0
        while end > 0 {
            let start = max(0, end - Int64(buffer.count))
            let count = pread(descriptor, &buffer, Int(end - start), off_t(start))
            guard count > 0 else { break }
            for index in stride(from: count - 1, through: 0, by: -1) where buffer[index] == 10 {
                // The newline at the very end closes the last line.
                if start + Int64(index) == size - 1 { continue }
                newlines += 1
                if newlines == lines { return (lines, start + Int64(index) + 1) }
            }
            end = start
        }
        return (size > 0 ? newlines + 1 : 0, 0)
    }
}
