import Foundation
import Glibc

/// Gives everything in a volume to a group, as `fsGroup` asks for.
/// Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
///
/// A container may be changing the volume meanwhile, so each file is opened first, without following links, and then changed by what was
/// opened: nothing outside can be meant.
enum VolumeOwnership {
    private static let pathOnly: Int32 = 0o10_000_000
    /// Each level takes a descriptor while the walk is below it.
    private static let deepest = 1000

    /// One directory that the walk is in, with the names that are still to be looked at.
    private struct Level {
        var descriptor: Int32
        var names: [String]
    }

    /// - Parameter onlyOnMismatch: leave everything as it is when the top looks right (`fsGroupChangePolicy: OnRootMismatch`).
    static func apply(_ group: gid_t, to root: String, onlyOnMismatch: Bool) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // A large volume takes long.
            Thread.detachNewThread {
                continuation.resume(with: Result { try walk(group, root, onlyOnMismatch: onlyOnMismatch) })
            }
        }
    }

    static func walk(_ group: gid_t, _ root: String, onlyOnMismatch: Bool) throws(EngineError) {
        let top = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard top >= 0 else { throw .system(doing: "opening", path: root, errno: errno) }
        var levels = [Level(descriptor: top, names: [])]
        defer { for level in levels { close(level.descriptor) } }
        var facts = stat()
        fstat(top, &facts)
        if onlyOnMismatch, facts.st_gid == group, facts.st_mode & 0o2770 == 0o2770 { return }
        levels[0].names = try names(in: top, root)
        while let level = levels.last {
            guard let name = level.names.last else {
                // A directory comes last, so that one that was interrupted is begun anew.
                try change(level.descriptor, group, isDirectory: true, root)
                close(level.descriptor)
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].names.removeLast()
            guard fstatat(level.descriptor, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else { continue }  // it is gone
            switch facts.st_mode & S_IFMT {
            case S_IFDIR:
                let directory = openat(level.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard directory >= 0 else { continue }
                guard levels.count < deepest else {
                    close(directory)
                    throw .system(doing: "changing the group of", path: root, errno: ENAMETOOLONG)
                }
                levels.append(Level(descriptor: directory, names: try names(in: directory, root)))
            case S_IFLNK: fchownat(level.descriptor, name, uid_t.max, group, AT_SYMLINK_NOFOLLOW)
            default:
                let file = openat(level.descriptor, name, pathOnly | O_NOFOLLOW | O_CLOEXEC)
                guard file >= 0 else { continue }
                defer { close(file) }
                fstat(file, &facts)
                if facts.st_mode & S_IFMT != S_IFLNK { try change(file, group, isDirectory: false, root) }
            }
        }
    }

    /// By the name of the descriptor, which works for those that are only paths, too.
    private static func change(_ descriptor: Int32, _ group: gid_t, isDirectory: Bool, _ root: String) throws(EngineError) {
        let path = "/proc/self/fd/\(descriptor)"
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, chown(path, uid_t.max, group) == 0,
            chmod(path, facts.st_mode & 0o7777 | (isDirectory ? 0o2770 : 0o660)) == 0
        else { throw .system(doing: "changing the group of", path: root, errno: errno) }
    }

    private static func names(in descriptor: Int32, _ root: String) throws(EngineError) -> [String] {
        let copy = dup(descriptor)
        guard copy >= 0, let directory = fdopendir(copy) else {
            let failure = errno
            if copy >= 0 { close(copy) }
            throw .system(doing: "reading", path: root, errno: failure)
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
