import Glibc

/// Files that the kernel makes while they are read, as those in `/proc`.
///
/// They tell no size, and one read gives no more than a page of them. Foundation takes such a short read for the end: of the
/// routes to more than thirty pods it would see the first thirty.
enum KernelFile {
    /// - Throws: `SystemFailure` when the file can't be read.
    static func text(_ path: String) throws(SystemFailure) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure(path: path, code: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure(path: path, code: errno)
            }
            if count == 0 { return String(decoding: content, as: UTF8.self) }
            content += buffer[..<count]
        }
    }

    struct SystemFailure: Error, Sendable, Hashable, CustomStringConvertible {
        var path: String
        /// As in errno(3).
        var code: Int32
        var description: String { "reading \(path): \(String(cString: strerror(code)))" }
    }
}
