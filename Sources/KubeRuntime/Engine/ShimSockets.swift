internal import Crypto
import Glibc

/// Where containers' shims listen: in one folder for all containerds of a machine, under names that are digests.
enum ShimSockets {
    static let folder = "/run/containerd/s"

    /// The socket of a sandbox's shim.
    /// - Parameter engine: the socket of its containerd.
    static func path(of sandbox: String, engine: String) -> String {
        let digest = SHA256.hash(data: Array("\(engine)/k8s.io/\(sandbox)".utf8))
        return "\(folder)/" + digest.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }

    /// Removes those that nobody listens at. Such a one is left when a shim is killed while its sandbox is being made, as with the server that
    /// asked for it: nobody knows the sandbox's name then. One of another containerd is of no use to it either: it would make it anew.
    static func removeDead(in folder: String = folder) {
        let names = File.names(in: folder)
        guard !names.isEmpty, let table = try? File.text("/proc/net/unix") else { return }
        // A socket has its line from the moment it gets its name, before it listens.
        let alive = Set(table.split(separator: "\n").compactMap { $0.split(separator: "/").last.map(String.init) })
        for name in names where !alive.contains(name) && refuses("\(folder)/\(name)") { unlink("\(folder)/\(name)") }
    }

    /// Whether nobody in any network namespace has the socket any more.
    private static func refuses(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        var facts = stat()
        return result != 0 && errno == ECONNREFUSED && lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFSOCK
    }
}
