package import Glibc

/// Files that are there whole or not at all.
package enum AtomicFile {
    /// Writes a temporary file beside `path`, syncs it, and renames it into place with exactly `mode`.
    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let temporary = "\(path).\(UInt64.random(in: 0 ... .max)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(temporary)") }
        do {
            defer { close(descriptor) }
            guard fchmod(descriptor, mode) == 0 else { throw SystemError("set the mode of \(temporary)") }
            var offset = 0
            while offset < bytes.count {
                let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { throw SystemError("write \(temporary)") }
                offset += max(count, 0)
            }
            guard fsync(descriptor) == 0 else { throw SystemError("sync \(temporary)") }
            guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary) to \(path)") }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// - Returns: nil when there is no such file.
    package static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open \(path)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 || errno == EINTR else { throw SystemError("read \(path)") }
            if count > 0 { bytes += buffer[..<count] }
        }
    }
}
