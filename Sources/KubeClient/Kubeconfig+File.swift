import FoundationEssentials
import Glibc

extension Kubeconfig {
    /// The file that kubectl would change: the first of `KUBECONFIG`, or `~/.kube/config`.
    public static var userPath: String {
        let environment = ProcessInfo.processInfo.environment
        if let first = environment["KUBECONFIG"]?.split(separator: ":").first { return String(first) }
        return (environment["HOME"] ?? "/root") + "/.kube/config"
    }

    /// - Returns: nil when there is no file at `path`.
    public static func load(_ path: String) throws -> Kubeconfig? {
        guard let bytes = try AtomicFile.read(path) else { return nil }
        do {
            return try Kubeconfig(parsing: bytes)
        } catch let error as KubeconfigError {
            throw KubeconfigError(error.reason, path: path)
        }
    }

    /// Replaces the file at `path` in one step, readable by its owner only; makes its directory when missing.
    public func save(_ path: String) throws {
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if !directory.isEmpty {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        try AtomicFile.write(Array(text.utf8), to: path, mode: 0o600)
    }

    /// Loads, changes and saves the file at `path` while holding the lock that kubectl and client-go use (`PATH.lock`), so that two
    /// writers don't lose each other's entries. Follows a symbolic link, so that the link stays one.
    public static func update(_ path: String, _ change: (inout Kubeconfig) throws -> Void) throws {
        let target = resolvingLink(path)
        let directory = target.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if !directory.isEmpty {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        let lock = target + ".lock"
        let descriptor = open(lock, O_CREAT | O_EXCL | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw SystemError("create \(lock)") }
            throw KubeconfigError("another program is changing it; if none is, remove \(lock)", path: target)
        }
        defer {
            close(descriptor)
            unlink(lock)
        }
        var config = try load(target) ?? Kubeconfig()
        try change(&config)
        try config.save(target)
    }

    private static func resolvingLink(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
