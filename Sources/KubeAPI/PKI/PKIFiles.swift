import Foundation

/// The files of the platform's authority. Each is there whole or not at all, whenever the machine stops.
struct PKIFiles {
    enum Name: String {
        case certificate = "ca.crt"
        case key = "ca.key"
        case bridges = "bridges.crt"
        /// What the others are about to be.
        case next = "next.pem"

        var permissions: mode_t { self == .key || self == .next ? 0o600 : 0o644 }
    }

    let directory: String

    func path(_ name: Name) -> String { self.directory + "/" + name.rawValue }

    /// Makes the directory where it's missing, and keeps other processes out of it meanwhile.
    func locked<Result>(_ body: () throws -> Result) throws -> Result {
        try FileManager.default.createDirectory(
            atPath: self.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let descriptor = open(self.directory, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", self.directory) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX) == 0 else { throw failure("lock", self.directory) }
        return try body()
    }

    /// - Returns: nil when there is none.
    func read(_ name: Name) throws -> String? {
        let path = self.path(name)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    func write(_ text: String, to name: Name) throws {
        let path = self.path(name)
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, name.permissions)
        guard descriptor >= 0 else { throw failure("open", temporary) }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard written >= 0 else { throw failure("write", temporary) }
            bytes = bytes.dropFirst(written)
        }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", temporary) }
        guard rename(temporary, path) == 0 else { throw failure("rename", temporary) }
        try self.synchronise()
    }

    func remove(_ name: Name) throws {
        guard unlink(self.path(name)) == 0 || errno == ENOENT else { throw failure("remove", self.path(name)) }
        try self.synchronise()
    }

    private func synchronise() throws {
        let descriptor = open(self.directory, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", self.directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", self.directory) }
    }

    private func failure(_ doing: String, _ path: String) -> PlatformAuthority.Failure {
        PlatformAuthority.Failure(description: "could not \(doing) \(path): \(String(cString: strerror(errno)))")
    }
}
