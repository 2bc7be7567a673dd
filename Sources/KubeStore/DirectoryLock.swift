#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Keeps a second server out of a data directory. The kernel lets go of it however the process ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    init(directory: String) throws(StoreError) {
        let path = directory + "/store.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unavailable("opening \(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let why = errno
            close(descriptor)
            guard why == EWOULDBLOCK else { throw .unavailable("locking \(path): \(String(cString: strerror(why)))") }
            throw .unavailable("\(directory) is in use by another process; stop it, or choose another data directory")
        }
    }

    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
