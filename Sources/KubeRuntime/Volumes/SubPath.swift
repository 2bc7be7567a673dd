import Glibc

/// Mounts a part of a volume (`subPath`) without following a link that a container has planted there.
///
/// Links are resolved first; the result must lie in the volume; then every step to it is opened without following links, and the
/// opened file itself is bind-mounted: what was checked is what the container gets.
enum SubPath {
    /// O_PATH, which isn't imported into Swift.
    private static let pathOnly: Int32 = 0o10_000_000

    /// - Returns: `target`, on which the part is mounted now.
    static func prepare(volume: String, subPath: String, target: String, group: gid_t?) throws -> String {
        let parts = subPath.split(separator: "/").map(String.init)
        guard !subPath.hasPrefix("/"), !parts.contains("..") else {
            throw ContainerFailure.config(
                "failed to prepare subPath for volumeMount: \(subPath) must be relative and not contain '..'")
        }
        guard let root = resolved(volume) else { throw failure(subPath, "the volume \(volume) is gone") }
        let wanted = "\(root)/\(parts.joined(separator: "/"))"
        if resolved(wanted) == nil { try makeBelow(root, parts, group: group) }
        guard let full = resolved(wanted), full == root || full.hasPrefix(root + "/") else {
            throw failure(subPath, "subPath \"\(wanted)\" not within volume path \"\(root)\"")
        }
        let descriptor = try open(root, full.dropFirst(root.count).split(separator: "/").map(String.init))
        defer { close(descriptor) }

        if File.exists(target) { umount2(target, Int32(2)) }
        var facts = stat()
        fstat(descriptor, &facts)
        if facts.st_mode & S_IFMT == S_IFDIR {
            try File.makeDirectory(target, mode: 0o750)
        } else {
            try File.makeDirectory(String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)]), mode: 0o750)
            if !File.exists(target) { try File.writeInPlace([], to: target, mode: 0o640) }
        }
        guard mount("/proc/self/fd/\(descriptor)", target, "", UInt(MS_BIND), nil) == 0 else {
            throw EngineError.system(doing: "mounting a subPath on", path: target, errno: errno)
        }
        return target
    }

    private static func failure(_ subPath: String, _ why: String) -> ContainerFailure {
        .config("failed to prepare subPath for volumeMount \"\(subPath)\": \(why)")
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// Opens each directory without following links.
    private static func open(_ root: String, _ parts: [String]) throws(EngineError) -> Int32 {
        var descriptor = Glibc.open(root, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: "opening", path: root, errno: errno) }
        for part in parts {
            let next = openat(descriptor, part, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            let failure = errno
            close(descriptor)
            guard next >= 0 else {
                throw .system(doing: "opening", path: "\(root)/\(parts.joined(separator: "/"))", errno: failure)
            }
            descriptor = next
        }
        return descriptor
    }

    private static func makeBelow(_ root: String, _ parts: [String], group: gid_t?) throws(EngineError) {
        var descriptor = Glibc.open(root, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: "opening", path: root, errno: errno) }
        defer { close(descriptor) }
        for part in parts {
            if mkdirat(descriptor, part, 0o777) == 0 {
                fchmodat(descriptor, part, group == nil ? 0o777 : 0o2777, 0)
                if let group { fchownat(descriptor, part, uid_t.max, group, AT_SYMLINK_NOFOLLOW) }
            }
            let next = openat(descriptor, part, pathOnly | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY)
            guard next >= 0 else { throw .system(doing: "opening", path: "\(root)/\(part)", errno: errno) }
            close(descriptor)
            descriptor = next
        }
    }
}
