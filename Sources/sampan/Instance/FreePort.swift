import Glibc
import KubeClient

/// Whether a TCP port can be listened on, asked before the server is started in the background, where its failure would be harder to see.
enum FreePort {
    /// Throws when something else listens there.
    ///
    /// - Parameter address: an IPv4 or IPv6 address of this machine, as `--listen-address` has it.
    static func check(_ port: Int, at address: String) throws {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        // What isn't an address is refused by the server itself, in its own words.
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let info = found else { return }
        defer { freeaddrinfo(found) }
        let descriptor = socket(info.pointee.ai_family, info.pointee.ai_socktype, 0)
        guard descriptor >= 0 else { throw SystemError("open a socket") }
        defer { close(descriptor) }
        // As the server does, so that connections of an earlier one that are still closing don't count.
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0, listen(descriptor, 1) == 0 else {
            guard errno == EADDRINUSE else { return }
            throw CommandFailure(
                "Port \(port) is taken by another program.",
                hint: "See which with `ss -ltnp sport = :\(port)`, or choose another with --api-port.")
        }
    }
}
