import Glibc

/// The mounts of this process's mount namespace.
enum Mounts {
    /// Where something is mounted at or below `directory`, deepest and latest first, so that they can be unmounted in this order.
    static func below(_ directory: String) -> [String] {
        guard let table = try? File.text("/proc/self/mountinfo") else { return [] }
        return mountPoints(table).filter { $0 == directory || $0.hasPrefix(directory + "/") }.reversed()
    }

    /// The fifth field of every line, unescaped, in mount order.
    static func mountPoints(_ table: String) -> [String] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 ? unescape(fields[4]) : nil
        }
    }

    /// Unmounts everything at or below `directory`; what is busy is detached.
    static func unmountAll(below directory: String) {
        for path in below(directory) where umount2(path, 0) != 0 {
            umount2(path, Int32(2))  // MNT_DETACH
        }
    }

    /// A tmpfs of at most `size` bytes (nil: the kernel's default, half of the memory).
    static func tmpfs(at path: String, size: Int64?, mode: mode_t) throws(EngineError) {
        var options = "mode=\(String(mode, radix: 8))"
        if let size { options += ",size=\(size)" }
        guard mount("tmpfs", path, "tmpfs", 0, options) == 0 else {
            throw .system(doing: "mounting a tmpfs on", path: path, errno: errno)
        }
    }

    /// Which of `ro`, `nosuid`, `nodev`, and `noexec` what a path is on is mounted with.
    static func options(of path: String) -> [String] {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return [] }
        return [(1, "ro"), (2, "nosuid"), (4, "nodev"), (8, "noexec")].filter { facts.f_flag & $0.0 != 0 }.map(\.1)
    }

    static func isMountPoint(_ path: String) -> Bool { below(path).contains(path) }

    /// Spaces, tabs, newlines and backslashes are written as three octal digits.
    static func unescape(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                out.append(value)
                rest = rest.dropFirst(3)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
