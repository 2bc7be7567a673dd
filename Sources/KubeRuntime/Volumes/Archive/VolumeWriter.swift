import Foundation
import Glibc
import Synchronization

/// Makes volumes from a stream, every byte of which may be anybody's, in a directory that only the server can reach. Nobody uses them until all
/// of the stream was taken and its checksum is right.
///
/// - A volume that wasn't told of beforehand is refused, and so is more in one than its bound. Nothing in the stream is a path.
/// - No device files. A set-user-ID program of root's, or one with capabilities, stays what it is only where the cluster's pods may be root, and so
///   could have made it.
///
/// Concurrency: one piece is given after the other; a thread of its own writes it.
public final class VolumeWriter: Sendable {
    private struct Level {
        var descriptor: Int32
        var attributes: VolumeFormat.Attributes
    }

    private struct OpenFile {
        var descriptor: Int32
        var attributes: VolumeFormat.Attributes
        var size: Int64
        var end: Int64 = 0
    }

    private struct State {
        var pending: [UInt8] = []
        var hasBegun = false
        var isOver = false
        var digest = VolumeFormat.Digest()
        var volumes: [String: VolumeReader.Volume]
        var volume: VolumeReader.Volume?
        var used: Int64 = 0
        var levels: [Level] = []
        var file: OpenFile?
        /// Where names of files with several are kept while their volume is made.
        var links: Int32 = -1
        var lastLink: UInt32 = 0
        var sinceLook: Int64 = 0

        mutating func close() {
            for level in levels { Glibc.close(level.descriptor) }
            levels = []
            if let file { Glibc.close(file.descriptor) }
            file = nil
            if links >= 0 { Glibc.close(links) }
            links = -1
        }
    }

    /// So much of the disk stays free.
    private static let floor: UInt64 = 256 << 20
    private static let lookInterval: Int64 = 64 << 20

    private let state: Mutex<State>
    private let directory: String
    private let isRestricted: Bool

    /// - Parameters:
    ///   - directory: where each volume becomes a directory of its handle's name; it is there, and empty.
    ///   - isRestricted: whether the cluster's pods can't be root.
    init(_ volumes: [VolumeReader.Volume], in directory: String, isRestricted: Bool) {
        state = Mutex(State(volumes: Dictionary(volumes.map { ($0.handle, $0) }) { first, _ in first }))
        self.directory = directory
        self.isRestricted = isRestricted
    }

    deinit { state.withLock { $0.close() } }

    /// Takes the next piece of the stream.
    public func write(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try self.take(bytes) }) }
        }
    }

    /// Everything was given: it is whole, and durable when this returns.
    public func finish() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try self.end() }) }
        }
    }

    func end() throws {
        try state.withLock { state in
            guard state.isOver else { throw VolumeArchiveError.content("the volumes are cut off") }
            let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure("the volumes") }
            defer { close(descriptor) }
            if let sync = LibC.syncFileSystem, sync(descriptor) != 0 { throw failure("the volumes") }
        }
    }

    func take(_ bytes: [UInt8]) throws {
        try state.withLock { state in
            state.pending += bytes
            var position = 0
            if !state.hasBegun {
                let start = VolumeFormat.start
                guard state.pending.count >= start.count else { return }
                guard state.pending.starts(with: start) else {
                    throw VolumeArchiveError.content("the volumes are of a format that this version doesn't know")
                }
                state.hasBegun = true
                position = start.count
                state.digest.update(start)
            }
            while state.pending.count - position >= 5 {
                guard !state.isOver else { throw VolumeArchiveError.content("something follows the volumes' end") }
                let length = state.pending[(position + 1)..<(position + 5)].reduce(0) { $0 << 8 | Int($1) }
                guard let kind = VolumeFormat.Kind(rawValue: state.pending[position]), length <= VolumeFormat.maximumPayload
                else {
                    throw VolumeArchiveError.content("the volumes have a frame that is unknown or too long")
                }
                let end = position + 5 + length
                guard state.pending.count >= end else { break }
                if kind != .end { state.digest.update(state.pending[position..<end]) }
                let payload = state.pending[(position + 5)..<end]
                position = end
                try take(kind, payload, &state)
            }
            guard !state.isOver || position == state.pending.count else {
                throw VolumeArchiveError.content("something follows the volumes' end")
            }
            state.pending.removeFirst(position)
        }
    }

    private func take(
        _ kind: VolumeFormat.Kind, _ payload: ArraySlice<UInt8>, _ state: inout State
    ) throws(VolumeArchiveError) {
        var reader = VolumeFrameReader(payload)
        switch kind {
        case .end:
            guard state.volume == nil else { throw .content("a volume is cut off") }
            guard payload.elementsEqual(state.digest.value()) else {
                throw .content("the volumes are damaged: their checksum isn't that of their content")
            }
            state.isOver = true
            return
        case .volume:
            guard state.volume == nil else { throw .content("a volume is in another") }
            let handle = String(decoding: try reader.take(VolumeFormat.handleLength), as: UTF8.self)
            guard LocalVolumes.isHandle(handle), let volume = state.volumes.removeValue(forKey: handle) else {
                throw .content("there is a volume that is no bound claim's, or there twice")
            }
            return try begin(volume, try reader.attributes(), &state)
        case .bytes: return try write(try reader.number(Int64.self), reader.rest(), &state)
        default: break
        }
        try endFile(&state)
        guard let level = state.levels.last else { throw .content("something is in no volume") }
        if kind == .up { return try up(level, &state) }
        try charge(Int64(VolumeFormat.entryCost), &state)
        if kind == .name { return try link(try reader.number(), try reader.name(), level.descriptor, &state) }
        let attributes = allowed(try reader.attributes())
        try charge(Int64(attributes.size), &state)
        switch kind {
        case .directory:
            let name = try reader.name()
            guard state.levels.count < VolumeFormat.maximumDepth else { throw .content("directories are too deep in each other") }
            guard withPath(name, { mkdirat(level.descriptor, $0, 0o700) }) == 0 else { throw taken(state) }
            let below = withPath(name) { openat(level.descriptor, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard below >= 0 else { throw failure(title(state)) }
            state.levels.append(Level(descriptor: below, attributes: attributes))
        case .file: try file(attributes, try reader.number(), try reader.number(), try reader.name(), level.descriptor, &state)
        case .link:
            let length = Int(try reader.number(UInt16.self))
            guard (1...VolumeFormat.maximumTarget).contains(length) else { throw .content("a link has no target, or a long one") }
            let target = Array(try reader.take(length))
            let name = try reader.name()
            guard !target.contains(0) else { throw .content("a link has a target that can't be one") }
            try charge(Int64(length), &state)
            guard withPath(target, { target in withPath(name) { symlinkat(target, level.descriptor, $0) } }) == 0 else {
                throw taken(state)
            }
            try settle(name, in: level.descriptor, attributes, hasMode: false, state)
        case .pipe:
            let name = try reader.name()
            guard withPath(name, { mkfifoat(level.descriptor, $0, 0o600) }) == 0 else { throw taken(state) }
            try settle(name, in: level.descriptor, attributes, hasMode: true, state)
        default: break
        }
    }

    private func begin(
        _ volume: VolumeReader.Volume, _ attributes: VolumeFormat.Attributes, _ state: inout State
    ) throws(VolumeArchiveError) {
        let path = "\(directory)/\(volume.handle)"
        guard mkdir(path, 0o700) == 0 else { throw failure(volume.title) }
        let top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard top >= 0 else { throw failure(volume.title) }
        state.volume = volume
        state.used = 0
        state.levels = [Level(descriptor: top, attributes: allowed(attributes))]
        let links = "\(directory)/links"
        guard mkdir(links, 0o700) == 0 else { throw failure(volume.title) }
        state.links = open(links, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        state.lastLink = 0
        guard state.links >= 0 else { throw failure(volume.title) }
    }

    private func up(_ level: Level, _ state: inout State) throws(VolumeArchiveError) {
        try settle(level.descriptor, level.attributes, state)
        close(level.descriptor)
        state.levels.removeLast()
        guard state.levels.isEmpty else { return }
        close(state.links)
        state.links = -1
        state.volume = nil
        guard File.removeTree("\(directory)/links") else { throw failure("the volumes") }
    }

    private func file(
        _ attributes: VolumeFormat.Attributes, _ size: Int64, _ number: UInt32, _ name: [UInt8], _ directory: Int32,
        _ state: inout State
    ) throws(VolumeArchiveError) {
        guard size >= 0 else { throw .content("a file has a size that can't be") }
        let descriptor = withPath(name) { openat(directory, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw taken(state) }
        state.file = OpenFile(descriptor: descriptor, attributes: attributes, size: size)
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure(title(state)) }
        guard number != 0 else { return }
        guard number == state.lastLink + 1 else { throw .content("files with several names aren't in order") }
        state.lastLink = number
        let done = withPath(name) { name in
            withPath(Array(String(number).utf8)) { linkat(directory, name, state.links, $0, 0) }
        }
        guard done == 0 else { throw failure(title(state)) }
    }

    private func link(
        _ number: UInt32, _ name: [UInt8], _ directory: Int32, _ state: inout State
    ) throws(VolumeArchiveError) {
        guard (1...max(state.lastLink, 1)).contains(number), state.lastLink > 0 else {
            throw .content("a name refers to a file that isn't there")
        }
        let done = withPath(Array(String(number).utf8)) { known in
            withPath(name) { linkat(state.links, known, directory, $0, 0) }
        }
        guard done == 0 else { throw taken(state) }
    }

    private func write(_ offset: Int64, _ bytes: ArraySlice<UInt8>, _ state: inout State) throws(VolumeArchiveError) {
        guard let file = state.file else { throw .content("there are bytes of no file") }
        guard offset >= file.end, !bytes.isEmpty, offset <= file.size - Int64(bytes.count) else {
            throw .content("a file has bytes where there can't be any")
        }
        try charge(Int64(bytes.count), &state)
        state.sinceLook += Int64(bytes.count)
        if state.sinceLook >= Self.lookInterval {
            state.sinceLook = 0
            try requireRoom(file.descriptor)
        }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(file.descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset) + off_t(done))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(title(state))
            }
            done += count
        }
        state.file?.end = offset + Int64(bytes.count)
    }

    private func endFile(_ state: inout State) throws(VolumeArchiveError) {
        guard let file = state.file else { return }
        try settle(file.descriptor, file.attributes, state)
        close(file.descriptor)
        state.file = nil
    }

    private func requireRoom(_ descriptor: Int32) throws(VolumeArchiveError) {
        var facts = statvfs()
        guard fstatvfs(descriptor, &facts) == 0 else { return }
        guard UInt64(facts.f_bavail) * UInt64(facts.f_frsize) > Self.floor else {
            throw .machine("the disk is nearly full: what is left of it is for the clusters that are here")
        }
    }

    private func charge(_ amount: Int64, _ state: inout State) throws(VolumeArchiveError) {
        state.used += amount
        guard let volume = state.volume, state.used > volume.bound.addingReportingOverflow(Int64(VolumeFormat.slack)).partialValue
        else { return }
        throw .content("\(volume.title) has more than the \(volume.bound) bytes that its claim requests")
    }

    // MARK: Owners, modes, times

    /// What of an entry's attributes the cluster's own pods could have made.
    private func allowed(_ given: VolumeFormat.Attributes) -> VolumeFormat.Attributes {
        var attributes = given
        attributes.mode &= 0o7777
        guard isRestricted else { return attributes }
        if attributes.owner == 0 { attributes.mode &= ~0o4000 }
        attributes.extended.removeAll { $0.name == Array("security.capability".utf8) }
        return attributes
    }

    /// The owner first: with another one the set-user-ID bit and capabilities go.
    private func settle(
        _ descriptor: Int32, _ attributes: VolumeFormat.Attributes, _ state: State
    ) throws(VolumeArchiveError) {
        guard fchown(descriptor, attributes.owner, attributes.group) == 0, fchmod(descriptor, attributes.mode) == 0 else {
            throw failure(title(state))
        }
        for extended in attributes.extended {
            guard let set = LibC.setAttribute else { break }
            let done = withPath(extended.name) { name in
                extended.value.withUnsafeBytes { set(descriptor, name, $0.baseAddress, $0.count, 0) }
            }
            guard done == 0 else {
                // A file system that has none, or a value that the kernel takes for none.
                throw VolumeArchiveError.content(
                    "\(title(state)): an extended attribute can't be set: \(systemMessage(errno))")
            }
        }
        var times = Self.times(attributes)
        guard futimens(descriptor, &times) == 0 else { throw failure(title(state)) }
    }

    /// The same of what can't be opened.
    private func settle(
        _ name: [UInt8], in directory: Int32, _ attributes: VolumeFormat.Attributes, hasMode: Bool, _ state: State
    ) throws(VolumeArchiveError) {
        var times = Self.times(attributes)
        let done = withPath(name) { name in
            fchownat(directory, name, attributes.owner, attributes.group, AT_SYMLINK_NOFOLLOW) == 0
                && (!hasMode || fchmodat(directory, name, attributes.mode, 0) == 0)
                && utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW) == 0
        }
        guard done else { throw failure(title(state)) }
    }

    /// Time of use, time of change.
    private static func times(_ attributes: VolumeFormat.Attributes) -> [timespec] {
        let time = timespec(tv_sec: Int(attributes.seconds), tv_nsec: Int(attributes.nanoseconds))
        return [time, time]
    }

    // MARK: What went wrong

    private func title(_ state: State) -> String { state.volume?.title ?? "the volumes" }

    /// A name that is there already is the stream's fault, the rest is the machine's.
    private func taken(_ state: State) -> VolumeArchiveError {
        errno == EEXIST ? .content("\(title(state)) has two files of one name") : failure(title(state))
    }

    private func failure(_ title: String) -> VolumeArchiveError {
        let number = errno
        if number == EFBIG { return .content("\(title) has a file that is too large for this machine's file system") }
        return .machine("\(title) can't be written: \(systemMessage(number))")
    }
}
