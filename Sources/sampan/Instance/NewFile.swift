import Glibc
import KubeClient

/// A file for its owner only that is written bit by bit, and in its place only when it is whole: until then it has another name, which goes with this.
final class NewFile {
    private let path: String
    private let temporary: String
    private var descriptor: Int32
    private(set) var size = 0

    init(_ path: String) throws {
        self.path = path
        temporary = "\(path).\(UInt64.random(in: 0 ... .max)).tmp"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(temporary)") }
    }

    func write(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw SystemError("write \(temporary)") }
            offset += max(count, 0)
        }
        size += bytes.count
    }

    /// Makes it durable, and puts it in its place.
    func finish() throws {
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(temporary)") }
        guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary) to \(path)") }
        close(descriptor)
        descriptor = -1
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
    }
}
