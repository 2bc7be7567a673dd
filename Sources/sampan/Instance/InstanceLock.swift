import Glibc
import KubeClient

/// The lock that the server holds on its pid file for as long as it lives.
///
/// The kernel drops the lock with the process, however that ends, so a stale pid file never looks like a running server and a reused
/// process id is never mistaken for one. Containers don't inherit the descriptor.
///
/// It is a lock of the open file description (`F_OFD_SETLK`), because the kernel says who holds such a one without taking it: however
/// many processes ask `holder`, the server that starts meanwhile gets its lock.
final class InstanceLock: Sendable {
    /// `F_OFD_GETLK` and `F_OFD_SETLK` of Linux's <fcntl.h>, which shows them to `_GNU_SOURCE` only.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37

    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// - Returns: nil when another process holds it.
    static func acquire(path: String) throws -> InstanceLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        var lock = wholeFile()
        guard fcntl(descriptor, Self.setLock, &lock) == 0 else {
            let number = errno
            close(descriptor)
            guard number == EAGAIN || number == EACCES else { throw SystemError("lock \(path)", number: number) }
            return nil
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let error = SystemError("write \(path)")
            close(descriptor)
            throw error
        }
        return InstanceLock(descriptor: descriptor)
    }

    /// The process id of the server that holds the lock, or nil when nobody does.
    static func holder(path: String) throws -> Int32? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open \(path)")
        }
        defer { close(descriptor) }
        var lock = wholeFile()
        guard fcntl(descriptor, Self.getLock, &lock) == 0 else { throw SystemError("look at the lock of \(path)") }
        guard lock.l_type != F_UNLCK else { return nil }
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer[..<count], as: UTF8.self).filter(\.isNumber))
    }

    private static func wholeFile() -> flock {
        flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }
}
