import Glibc
import KubeClient
import KubeObject
import Synchronization

/// The hours that are over, in files that are only appended to: `usage-2026-11.jsonl`, a line for each cluster that used something in an hour, and
/// after each block of them a line with the block's number.
///
/// Each use is in it once. A block counts when its last line is there; what a kill left of one is cut off at the next start. The checkpoint, a
/// file beside it that is replaced as a whole, carries the number that its hour's block will have. So whichever of the two was written last
/// before a kill, the next start sees whether the checkpoint's hour is in the ledger already.
///
/// Concurrency: one task writes; any may read, and reads whole blocks only.
final class UsageLedger: Sendable {
    private let directory: String
    private let state: Mutex<State>

    private struct State {
        /// How many bytes of each file are whole blocks.
        var lengths: [String: Int] = [:]
        /// Of the last block.
        var sequence: UInt64 = 0
    }

    private static let endOfBlock = "{\"end\":"
    private var checkpointPath: String { directory + "/current.json" }

    /// Opens the ledger in a directory, which is made when there is none, and cuts off what isn't a whole block.
    init(directory: String) throws {
        self.directory = directory
        if mkdir(directory, 0o700) != 0, errno != EEXIST { throw SystemError("make the directory \(directory)") }
        var state = State()
        for name in try Self.files(in: directory) {
            let (length, sequence) = try Self.recover("\(directory)/\(name)")
            state.lengths[name] = length
            state.sequence = max(state.sequence, sequence)
        }
        self.state = Mutex(state)
    }

    /// The number of the last block.
    var sequence: UInt64 { state.withLock { $0.sequence } }

    // MARK: Checkpoints

    /// The checkpoint as it was left; without what is in the ledger already. Nil when there is none.
    ///
    /// - Throws: when it isn't one.
    func checkpoint() throws -> UsageCheckpoint? {
        guard let bytes = try AtomicFile.read(checkpointPath) else { return nil }
        guard var checkpoint = UsageCheckpoint(try JSON(parsing: bytes)) else { throw Failure(path: checkpointPath) }
        if checkpoint.sequence <= sequence {
            checkpoint.records = []
            checkpoint.sequence = sequence + 1
        }
        return checkpoint
    }

    /// Puts a checkpoint that can't be read out of the way, for people to look at.
    func setCheckpointAside() throws {
        guard rename(checkpointPath, checkpointPath + ".broken") == 0 || errno == ENOENT else {
            throw SystemError("rename \(checkpointPath)")
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var path: String
        var description: String { "\(path) is no checkpoint of the usage ledger" }
    }

    func write(_ checkpoint: UsageCheckpoint) throws {
        try AtomicFile.write(checkpoint.tree.encoded(), to: checkpointPath, mode: 0o600)
    }

    // MARK: Blocks

    /// Appends an hour, all of it or nothing; durable when it returns.
    ///
    /// - Parameter number: more than the last block's; what has no more is there already.
    func append(_ records: [UsageRecord], hour: Double, number: UInt64) throws {
        let (isNew, known) = state.withLock { ($0.sequence < number, $0.lengths) }
        guard isNew else { return }
        let name = Self.file(of: hour)
        let path = "\(directory)/\(name)"
        var bytes: [UInt8] = []
        for record in records {
            bytes += record.tree.encoded()
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes += Array("\(Self.endOfBlock)\(number)}\n".utf8)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        let start = known[name] ?? 0
        // An attempt before may have left a part, when the disk was full.
        guard ftruncate(descriptor, off_t(start)) == 0 else { throw SystemError("cut \(path)") }
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(start + offset))
            }
            guard count > 0 || errno == EINTR else { throw SystemError("write \(path)") }
            offset += max(count, 0)
        }
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(path)") }
        if known[name] == nil { try Self.sync(directory: directory) }
        state.withLock { state in
            state.lengths[name] = start + bytes.count
            state.sequence = number
        }
    }

    /// The whole blocks by now: what is appended later isn't in it.
    struct Extent: Sendable {
        fileprivate var lengths: [String: Int]
    }

    var extent: Extent { Extent(lengths: state.withLock { $0.lengths }) }

    /// Goes through the records of a time.
    ///
    /// - Parameters:
    ///   - extent: as far as this.
    ///   - since: hours that begin then or later; before `until`.
    ///   - team: of this team only.
    func read(_ extent: Extent, since: Double, until: Double, team: String?, _ body: (UsageRecord) -> Void) throws {
        let (first, last) = (Self.file(of: since), Self.file(of: until))
        let marks = team.map { Array("\"team\":\(JSON.string($0).text)".utf8) }
        for (name, length) in extent.lengths.sorted(by: { $0.key < $1.key }) where name >= first && name <= last {
            try Self.lines(of: "\(directory)/\(name)", length: length) { line in
                if let marks, !Self.contains(line, marks) { return }
                guard let record = UsageRecord(try JSON(parsing: line)), record.hour >= since, record.hour < until,
                    team == nil || record.team == team
                else { return }
                body(record)
            }
        }
    }

    // MARK: Files

    private static func file(of hour: Double) -> String { "usage-\(Timestamp.format(hour).prefix(7)).jsonl" }

    private static func files(in path: String) throws -> [String] {
        guard let stream = opendir(path) else { throw SystemError("read the directory \(path)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name.hasPrefix("usage-"), name.hasSuffix(".jsonl") { names.append(name) }
        }
        return names
    }

    private static func sync(directory path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(path)") }
    }

    /// Cuts off what isn't a whole block, and says how long the file is and the number of its last block.
    private static func recover(_ path: String) throws -> (length: Int, sequence: UInt64) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size >= 0 else { throw SystemError("find the end of \(path)") }
        var window = 1 << 16
        while true {
            let start = max(size - window, 0)
            let tail = try bytes(of: descriptor, from: start, count: size - start, path)
            if let (end, sequence) = lastBlock(in: tail, isWhole: start == 0) {
                if start + end < size, ftruncate(descriptor, off_t(start + end)) != 0 { throw SystemError("cut \(path)") }
                return (start + end, sequence)
            }
            if start == 0 {
                if size > 0, ftruncate(descriptor, 0) != 0 { throw SystemError("cut \(path)") }
                return (0, 0)
            }
            window *= 8
        }
    }

    /// Where the last whole block ends in these bytes, and its number.
    private static func lastBlock(in bytes: [UInt8], isWhole: Bool) -> (end: Int, sequence: UInt64)? {
        let newline = UInt8(ascii: "\n")
        var end = bytes.count
        while let stop = bytes[..<end].lastIndex(of: newline) {
            let before = bytes[..<stop].lastIndex(of: newline)
            // The first line of a window may be the rest of one.
            guard before != nil || isWhole else { return nil }
            let line = String(decoding: bytes[(before.map { $0 + 1 } ?? 0)..<stop], as: UTF8.self)
            if line.hasPrefix(endOfBlock), line.hasSuffix("}"), let number = UInt64(line.dropFirst(endOfBlock.count).dropLast()) {
                return (stop + 1, number)
            }
            end = stop
        }
        return nil
    }

    private static func bytes(of descriptor: Int32, from start: Int, count: Int, _ path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress?.advanced(by: offset), count - offset, off_t(start + offset))
            }
            guard got > 0 || (got < 0 && errno == EINTR) else { throw SystemError("read \(path)") }
            offset += max(got, 0)
        }
        return bytes
    }

    private static func lines(of path: String, length: Int, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var rest: [UInt8] = []
        var position = 0
        while position < length {
            let piece = try bytes(of: descriptor, from: position, count: min(1 << 20, length - position), path)
            position += piece.count
            rest += piece
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try body(rest[start..<end])
                start = end + 1
            }
            rest.removeFirst(start)
        }
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ part: [UInt8]) -> Bool {
        line.firstRange(of: part) != nil
    }
}
