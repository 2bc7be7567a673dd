import Glibc
import KubeRegistry
import Synchronization

/// Keeps the host's ports that lead to pods from everybody else: other pods, of any cluster, and the host's own programs.
///
/// A reservation is a socket that is bound and never used, so that the kernel says who has what, by its own rules of which address covers
/// which. Rules send packets on to the pod before they'd get to it. SCTP isn't reserved: not every kernel has it.
final class HostPortReservations: Sendable {
    private let sockets = Mutex<[String: [HostPortFacts: Int32]]>([:])

    /// Takes ports for a pod, all of them or none; those that it has already stay.
    /// - Throws: ``HostPortTaken`` for the first that somebody else has.
    func take(_ ports: [HostPortFacts], for uid: String) throws(HostPortTaken) {
        let known = sockets.withLock { $0[uid] ?? [:] }
        var taken: [HostPortFacts: Int32] = [:]
        for port in Set(ports) where known[port] == nil && port.transport != .sctp {
            let descriptor = Self.bind(port)
            guard descriptor >= 0 else {
                let code = errno
                for other in taken.values { close(other) }
                throw HostPortTaken(port: port, code: code)
            }
            taken[port] = descriptor
        }
        guard !taken.isEmpty else { return }
        sockets.withLock { $0[uid, default: [:]].merge(taken) { kept, _ in kept } }
    }

    func release(_ uid: String) {
        let gone = sockets.withLock { $0.removeValue(forKey: uid) } ?? [:]
        for descriptor in gone.values { close(descriptor) }
    }

    deinit {
        for descriptor in sockets.withLock({ $0.values.flatMap(\.values) }) { close(descriptor) }
    }

    private static func bind(_ port: HostPortFacts) -> Int32 {
        let kind = port.transport == .udp ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        // sockaddr_in as bytes, as the DNS server has it: in a release build the type's members belong to another module.
        var place: [UInt8] = []
        withUnsafeBytes(of: sa_family_t(AF_INET)) { place += $0 }
        withUnsafeBytes(of: port.number.bigEndian) { place += $0 }
        withUnsafeBytes(of: (port.address?.number ?? 0).bigEndian) { place += $0 }
        place += [UInt8](repeating: 0, count: 8)
        let status = place.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { Glibc.bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
        }
        guard status == 0 else {
            let code = errno
            close(descriptor)
            errno = code
            return -1
        }
        return descriptor
    }
}

/// A port of the host can't be a pod's.
struct HostPortTaken: Error, CustomStringConvertible {
    var port: HostPortFacts
    /// As in errno(3).
    var code: Int32

    var description: String {
        let place = port.address.map { "\($0):" } ?? ""
        let name = "the host port \(place)\(port.number)/\(port.transport.rawValue.uppercased())"
        return code == EADDRINUSE
            ? "\(name) is taken, by another pod or by a program of this machine"
            : "\(name) can't be had: \(String(cString: strerror(code)))"
    }
}
