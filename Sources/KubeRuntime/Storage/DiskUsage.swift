import Foundation
import Glibc

/// What a directory takes of its file system, as `du` counts it: blocks, and each file once by however many names.
public struct DiskUsage: Sendable, Equatable {
    public var bytes: Int64 = 0
    public var inodes: Int64 = 0

    public init(bytes: Int64 = 0, inodes: Int64 = 0) {
        self.bytes = bytes
        self.inodes = inodes
    }

    public static func += (left: inout DiskUsage, right: DiskUsage) {
        left.bytes &+= right.bytes
        left.inodes &+= right.inodes
    }

    /// Each level takes a descriptor while the walk is below it; what is deeper isn't counted.
    private static let deepest = 1000

    /// Counts what is in a directory, without following links and without what is mounted in it. Nothing when it can't be opened.
    ///
    /// Containers may be changing it meanwhile: what comes and goes is counted or not. It takes as long as the directory is large: see
    /// ``inBackground(_:)``.
    static func of(_ root: String) -> DiskUsage {
        var usage = DiskUsage()
        let top = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard top >= 0 else { return usage }
        var facts = stat()
        fstat(top, &facts)
        let device = facts.st_dev
        usage.count(facts)
        var seen: Set<ino_t> = []
        var levels = [(descriptor: top, names: names(in: top))]
        defer { for level in levels { close(level.descriptor) } }
        while let level = levels.last {
            guard let name = level.names.last else {
                close(level.descriptor)
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].names.removeLast()
            guard fstatat(level.descriptor, name, &facts, AT_SYMLINK_NOFOLLOW) == 0, facts.st_dev == device else { continue }
            let isDirectory = facts.st_mode & S_IFMT == S_IFDIR
            if !isDirectory, facts.st_nlink > 1, !seen.insert(facts.st_ino).inserted { continue }
            usage.count(facts)
            guard isDirectory, levels.count < deepest else { continue }
            let directory = openat(level.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if directory >= 0 { levels.append((directory, names(in: directory))) }
        }
        return usage
    }

    /// Runs the body, which may take long, on a thread of its own.
    static func inBackground<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    private mutating func count(_ facts: stat) {
        // Blocks are of 512 bytes, whatever the file system has.
        bytes &+= Int64(facts.st_blocks) &* 512
        inodes &+= 1
    }

    private static func names(in descriptor: Int32) -> [String] {
        let copy = dup(descriptor)
        guard copy >= 0 else { return [] }
        guard let directory = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
