import Foundation
import Glibc
import Synchronization

/// Writes volumes into a stream, in pieces: never more in memory than one piece, the directories that it is in, and which files have several names.
///
/// Nothing may write to the volumes meanwhile. Each file is opened without following links, so that also one that somebody does change leads
/// nowhere else. Device files and sockets are left out, and so is what is mounted into a volume.
///
/// Concurrency: one piece is asked for after the other; a thread of its own reads it.
public final class VolumeReader: Sendable {
    /// A volume that is to be read.
    public struct Volume: Sendable {
        public var handle: String
        /// The most that it may have.
        public var bound: Int64
        /// As messages call it.
        public var title: String

        public init(handle: String, bound: Int64, title: String) {
            self.handle = handle
            self.bound = bound
            self.title = title
        }
    }

    /// More names of files than this are written as files of their own.
    private static let maximumLinks = 200_000

    private struct Level {
        var descriptor: Int32
        var names: [[UInt8]]
    }

    private struct Inode: Hashable {
        var device: dev_t
        var number: ino_t
    }

    private struct OpenFile {
        var descriptor: Int32
        var offset: Int64
        var size: Int64
    }

    private struct State {
        var volumes: ArraySlice<Volume>
        var hasBegun = false
        var isOver = false
        var volume: Volume?
        var device: dev_t = 0
        var levels: [Level] = []
        var file: OpenFile?
        var links: [Inode: UInt32] = [:]
        var used: Int64 = 0
        var leftOut = 0
        var digest = VolumeFormat.Digest()

        mutating func close() {
            for level in levels { Glibc.close(level.descriptor) }
            levels = []
            if let file { Glibc.close(file.descriptor) }
            file = nil
        }
    }

    private let state: Mutex<State>
    private let path: @Sendable (String) -> String?

    /// - Parameter path: where a volume is, by its handle.
    init(_ volumes: [Volume], path: @escaping @Sendable (String) -> String?) {
        state = Mutex(State(volumes: volumes[...]))
        self.path = path
    }

    deinit { state.withLock { $0.close() } }

    /// How many device files and sockets aren't in the stream, so far.
    public var leftOut: Int { state.withLock { $0.leftOut } }

    /// The next piece of the stream, of some more than `limit` bytes at most; empty when it is over.
    public func next(_ limit: Int) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[UInt8], any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try self.read(limit) }) }
        }
    }

    func read(_ limit: Int) throws -> [UInt8] {
        try state.withLock { state in
            var output: [UInt8] = []
            if !state.hasBegun {
                state.hasBegun = true
                output = VolumeFormat.start
            }
            while output.count < limit, try step(&state, &output) {}
            state.digest.update(output)
            if state.volumes.isEmpty, state.volume == nil, !state.isOver {
                state.isOver = true
                VolumeFormat.frame(.end, state.digest.value(), to: &output)
            }
            return output
        }
    }

    /// - Returns: false when there is no more.
    private func step(_ state: inout State, _ output: inout [UInt8]) throws(VolumeArchiveError) -> Bool {
        if state.file != nil {
            try bytes(&state, &output)
            return true
        }
        guard let level = state.levels.last else {
            guard state.volume == nil, let next = state.volumes.popFirst() else { return false }
            try begin(next, &state, &output)
            return true
        }
        guard let name = level.names.last else {
            VolumeFormat.frame(.up, [], to: &output)
            close(level.descriptor)
            state.levels.removeLast()
            if state.levels.isEmpty {
                state.volume = nil
                state.links = [:]
            }
            return true
        }
        state.levels[state.levels.count - 1].names.removeLast()
        try entry(name, in: level.descriptor, &state, &output)
        return true
    }

    private func begin(_ volume: Volume, _ state: inout State, _ output: inout [UInt8]) throws(VolumeArchiveError) {
        guard let path = path(volume.handle) else {
            throw .machine("\(volume.title): \(volume.handle) is no volume of this node")
        }
        let top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard top >= 0 else { throw failure(volume.title) }
        state.volume = volume
        state.used = 0
        state.levels = [Level(descriptor: top, names: try names(in: top, volume.title))]
        var facts = stat()
        guard fstat(top, &facts) == 0 else { throw failure(volume.title) }
        state.device = facts.st_dev
        var payload = Array(volume.handle.utf8)
        VolumeFormat.put(attributes(facts, top), to: &payload)
        VolumeFormat.frame(.volume, payload, to: &output)
    }

    private func entry(
        _ name: [UInt8], in directory: Int32, _ state: inout State, _ output: inout [UInt8]
    ) throws(VolumeArchiveError) {
        let title = state.volume?.title ?? ""
        var facts = stat()
        guard withPath(name, { fstatat(directory, $0, &facts, AT_SYMLINK_NOFOLLOW) }) == 0 else {
            if errno == ENOENT { return }
            throw failure(title)
        }
        guard facts.st_dev == state.device else { return }
        try charge(Int64(VolumeFormat.entryCost + name.count), &state)
        var payload: [UInt8] = []
        switch facts.st_mode & S_IFMT {
        case S_IFDIR:
            let below = withPath(name) { openat(directory, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard below >= 0 else { throw failure(title) }
            guard state.levels.count < VolumeFormat.maximumDepth else {
                close(below)
                throw .machine("\(title): its directories are more than \(VolumeFormat.maximumDepth) deep")
            }
            VolumeFormat.put(attributes(facts, below), to: &payload)
            VolumeFormat.frame(.directory, payload + name, to: &output)
            do { state.levels.append(Level(descriptor: below, names: try names(in: below, title))) } catch {
                close(below)
                throw error
            }
        case S_IFREG: try file(name, in: directory, facts, &state, &output)
        case S_IFLNK:
            var target = [UInt8](repeating: 0, count: VolumeFormat.maximumTarget + 1)
            let length = withPath(name) { path in
                target.withUnsafeMutableBytes { buffer in
                    buffer.baseAddress.map { readlinkat(directory, path, $0, buffer.count) } ?? -1
                }
            }
            guard length > 0, length <= VolumeFormat.maximumTarget else { throw failure(title) }
            VolumeFormat.put(attributes(facts, nil), to: &payload)
            VolumeFormat.put(UInt16(clamping: length), to: &payload)
            VolumeFormat.frame(.link, payload + target[..<length] + name, to: &output)
        case S_IFIFO:
            VolumeFormat.put(attributes(facts, nil), to: &payload)
            VolumeFormat.frame(.pipe, payload + name, to: &output)
        default: state.leftOut += 1
        }
    }

    private func file(
        _ name: [UInt8], in directory: Int32, _ facts: stat, _ state: inout State, _ output: inout [UInt8]
    ) throws(VolumeArchiveError) {
        let title = state.volume?.title ?? ""
        var number: UInt32 = 0
        if facts.st_nlink > 1 {
            let inode = Inode(device: facts.st_dev, number: facts.st_ino)
            if let known = state.links[inode] {
                var payload: [UInt8] = []
                VolumeFormat.put(known, to: &payload)
                VolumeFormat.frame(.name, payload + name, to: &output)
                return
            }
            if state.links.count < Self.maximumLinks {
                number = UInt32(state.links.count + 1)
                state.links[inode] = number
            }
        }
        let descriptor = withPath(name) { openat(directory, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure(title) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .machine("\(title): somebody changes it while it is read")
        }
        var payload: [UInt8] = []
        VolumeFormat.put(attributes(facts, descriptor), to: &payload)
        VolumeFormat.put(Int64(facts.st_size), to: &payload)
        VolumeFormat.put(number, to: &payload)
        VolumeFormat.frame(.file, payload + name, to: &output)
        state.file = OpenFile(descriptor: descriptor, offset: 0, size: Int64(facts.st_size))
    }

    /// The next bytes of the file, without its holes.
    private func bytes(_ state: inout State, _ output: inout [UInt8]) throws(VolumeArchiveError) {
        guard let file = state.file else { return }
        let title = state.volume?.title ?? ""
        func end() {
            close(file.descriptor)
            state.file = nil
        }
        guard file.offset < file.size else { return end() }
        let data = lseek(file.descriptor, off_t(file.offset), Self.seekData)
        if data < 0 {
            // Nothing but a hole is left.
            if errno == ENXIO { return end() }
            throw failure(title)
        }
        let hole = lseek(file.descriptor, data, Self.seekHole)
        guard hole >= 0 else { throw failure(title) }
        let wanted = min(Int64(hole) - Int64(data), file.size - Int64(data), Int64(VolumeFormat.maximumPiece))
        guard wanted > 0 else { return end() }
        var buffer = [UInt8](repeating: 0, count: Int(wanted))
        let count = buffer.withUnsafeMutableBytes { pread(file.descriptor, $0.baseAddress, $0.count, data) }
        guard count >= 0 else { throw failure(title) }
        guard count > 0 else { return end() }
        try charge(Int64(count), &state)
        var payload: [UInt8] = []
        payload.reserveCapacity(8 + count)
        VolumeFormat.put(Int64(data), to: &payload)
        payload += buffer[..<count]
        VolumeFormat.frame(.bytes, payload, to: &output)
        state.file?.offset = Int64(data) + Int64(count)
    }

    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    private func charge(_ amount: Int64, _ state: inout State) throws(VolumeArchiveError) {
        state.used += amount
        guard let volume = state.volume, state.used > volume.bound.addingReportingOverflow(Int64(VolumeFormat.slack)).partialValue
        else { return }
        throw .machine(
            "\(volume.title) has more than the \(volume.bound) bytes that its claim requests, and no more would be taken: have the claim request more, or delete some of it"
        )
    }

    /// - Parameter descriptor: nil for what can't be opened, or has no extended attributes.
    private func attributes(_ facts: stat, _ descriptor: Int32?) -> VolumeFormat.Attributes {
        VolumeFormat.Attributes(
            mode: facts.st_mode & 0o7777, owner: facts.st_uid, group: facts.st_gid, seconds: Int64(facts.st_mtim.tv_sec),
            nanoseconds: UInt32(clamping: facts.st_mtim.tv_nsec), extended: descriptor.map(Self.extended) ?? [])
    }

    private static func extended(_ descriptor: Int32) -> [VolumeFormat.Attributes.Extended] {
        guard let list = LibC.listAttributes, let get = LibC.getAttribute else { return [] }
        var names = [CChar](repeating: 0, count: 65_536)
        let length = list(descriptor, &names, names.count)
        guard length > 0 else { return [] }
        var found: [VolumeFormat.Attributes.Extended] = []
        for name in names[..<length].split(separator: 0) where found.count < VolumeFormat.maximumAttributes {
            let bytes = name.map { UInt8(bitPattern: $0) }
            guard VolumeFormat.carries(bytes), bytes.count <= VolumeFormat.maximumAttributeName else { continue }
            var value = [UInt8](repeating: 0, count: VolumeFormat.maximumAttributeValue)
            let size = value.withUnsafeMutableBytes { get(descriptor, Array(name) + [0], $0.baseAddress, $0.count) }
            guard size >= 0 else { continue }
            found.append(.init(name: bytes, value: Array(value[..<size])))
        }
        return found
    }

    private func names(in descriptor: Int32, _ title: String) throws(VolumeArchiveError) -> [[UInt8]] {
        let copy = dup(descriptor)
        guard copy >= 0, let directory = fdopendir(copy) else {
            let error = failure(title)
            if copy >= 0 { close(copy) }
            throw error
        }
        defer { closedir(directory) }
        var names: [[UInt8]] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: 256) { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
            }
            if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
        }
        return names
    }

    private func failure(_ title: String) -> VolumeArchiveError {
        let number = errno
        return .machine("\(title) can't be read: \(systemMessage(number))")
    }
}

/// Calls with a name as the system takes it.
func withPath<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (name.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("an array with an element has a start") }
        return body(start)
    }
}
