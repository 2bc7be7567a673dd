import Glibc

/// Writes a set of files so that readers see either the old set or the new one, never a mixture.
///
/// The files lie in a directory of their own, to which the link `..data` points; a name in the volume is a link through `..data`.
/// Swapping `..data` by a rename changes all of them at once. Containers see it because the volume's directory itself stays.
struct AtomicWriter {
    struct File: Sendable, Equatable {
        var content: [UInt8]
        var mode: mode_t
    }

    let directory: String
    /// All files get this group, and are readable by it.
    var group: gid_t?
    /// All files get this owner (service-account tokens of pods that run as one user).
    var owner: uid_t?

    /// Replaces what is in the volume by `files` (keys are relative paths). Nothing is touched when it's the same already.
    /// - Returns: whether something changed.
    @discardableResult
    func write(_ files: [String: File]) throws(EngineError) -> Bool {
        let link = "\(directory)/..data"
        let old = try? target(of: link)
        if let old, isSame(files, in: "\(directory)/\(old)") { return false }

        let name = newName()
        let fresh = "\(directory)/\(name)"
        try KubeRuntime.File.makeDirectory(fresh, mode: 0o755)
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            let full = "\(fresh)/\(path)"
            if let slash = full.lastIndex(of: "/") { try KubeRuntime.File.makeDirectory(String(full[..<slash])) }
            let mode = group == nil ? file.mode : file.mode | 0o040
            try KubeRuntime.File.writeInPlace(file.content, to: full, mode: mode)
            if group != nil || owner != nil { chown(full, owner ?? uid_t.max, group ?? gid_t.max) }
        }
        let temporary = "\(directory)/..data_tmp"
        unlink(temporary)
        guard symlink(name, temporary) == 0, rename(temporary, link) == 0 else {
            throw .system(doing: "linking the volume's files in", path: directory, errno: errno)
        }
        let tops = Set(files.keys.map { String($0.prefix { $0 != "/" }) })
        for top in tops where !KubeRuntime.File.isLink("\(directory)/\(top)") {
            guard symlink("..data/\(top)", "\(directory)/\(top)") == 0 else {
                throw .system(doing: "linking", path: "\(directory)/\(top)", errno: errno)
            }
        }
        for existing in KubeRuntime.File.names(in: directory) where !existing.hasPrefix("..") && !tops.contains(existing) {
            unlink("\(directory)/\(existing)")
        }
        if let old, old != name { KubeRuntime.File.removeTree("\(directory)/\(old)") }
        return true
    }

    private func target(of link: String) throws(EngineError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(link, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? 0
        }
        guard count > 0 else { throw .system(doing: "reading the link", path: link, errno: errno) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func isSame(_ files: [String: File], in directory: String) -> Bool {
        guard Set(paths(in: directory, prefix: "")) == Set(files.keys) else { return false }
        return files.allSatisfy { path, file in
            var facts = stat()
            guard stat("\(directory)/\(path)", &facts) == 0 else { return false }
            let mode = group == nil ? file.mode : file.mode | 0o040
            return facts.st_mode & 0o7777 == mode && (try? KubeRuntime.File.bytes("\(directory)/\(path)")) == file.content
        }
    }

    private func paths(in directory: String, prefix: String) -> [String] {
        KubeRuntime.File.names(in: directory).flatMap { name in
            KubeRuntime.File.isDirectory("\(directory)/\(name)")
                ? paths(in: "\(directory)/\(name)", prefix: "\(prefix)\(name)/") : ["\(prefix)\(name)"]
        }
    }

    /// `..2026_01_02_03_04_05.123456789`, as upstream's.
    private func newName() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = "\(parts.tm_year + 1900)_\(two(parts.tm_mon + 1))_\(two(parts.tm_mday))"
        return "..\(date)_\(two(parts.tm_hour))_\(two(parts.tm_min))_\(two(parts.tm_sec)).\(time.tv_nsec)"
    }
}

extension File {
    static func isLink(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK
    }
}
