import Glibc
import KubeRegistry
import Synchronization

/// Keeps the host's ports that lead to pods from everybody else: other pods, of any cluster, and the host's own programs.
///
/// A reservation is a socket that is bound and never used, so that the kernel says who has what, by its own rules of which address covers
/// which. Rules send packets on to the pod before they'd get to it. SCTP isn't reserved: not every kernel has it.
final class HostPortReservations: Sendable {
    /// By pod and port: one for each family that the port is of.
    private let sockets = Mutex<[String: [HostPortFacts: [Int32]]]>([:])

    /// Takes ports for a pod, all of them or none; those that it has already stay.
    /// - Throws: ``HostPortTaken`` for the first that somebody else has.
    func take(_ ports: [HostPortFacts], for uid: String) throws(HostPortTaken) {
        let known = sockets.withLock { $0[uid] ?? [:] }
        var taken: [HostPortFacts: [Int32]] = [:]
        for port in Set(ports) where known[port] == nil && port.transport != .sctp {
            for family in port.family.map({ [$0] }) ?? AddressFamily.allCases {
                let descriptor = Self.bind(port, family)
                guard descriptor >= 0 else {
                    let code = errno
                    for other in taken.values.joined() { close(other) }
                    throw HostPortTaken(port: port, code: code)
                }
                taken[port, default: []].append(descriptor)
            }
        }
        guard !taken.isEmpty else { return }
        sockets.withLock { $0[uid, default: [:]].merge(taken) { kept, _ in kept } }
    }

    func release(_ uid: String) {
        let gone = sockets.withLock { $0.removeValue(forKey: uid) } ?? [:]
        for descriptor in gone.values.joined() { close(descriptor) }
    }

    deinit {
        for descriptor in sockets.withLock({ $0.values.flatMap { $0.values.joined() } }) { close(descriptor) }
    }

    private static func bind(_ port: HostPortFacts, _ family: AddressFamily) -> Int32 {
        let kind = port.transport == .udp ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(Int32(family.number), Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        // sockaddr_in and sockaddr_in6 as bytes, as the DNS server has it: in a release build the types' members belong to another module.
        var place: [UInt8] = []
        withUnsafeBytes(of: sa_family_t(family.number)) { place += $0 }
        withUnsafeBytes(of: port.number.bigEndian) { place += $0 }
        switch family {
        case .v4:
            place += port.address?.octets ?? [UInt8](repeating: 0, count: 4)
            place += [UInt8](repeating: 0, count: 8)
        case .v6:
            // Flow, address, scope. The same port by IPv4 is another socket's.
            place += [UInt8](repeating: 0, count: 4) + (port.address?.octets ?? [UInt8](repeating: 0, count: 16))
            place += [UInt8](repeating: 0, count: 4)
            var on: Int32 = 1
            // IPPROTO_IPV6, IPV6_V6ONLY.
            setsockopt(descriptor, 41, 26, &on, socklen_t(MemoryLayout<Int32>.size))
        }
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
        let place = port.address.map { $0.family == .v6 ? "[\($0)]:" : "\($0):" } ?? ""
        let name = "the host port \(place)\(port.number)/\(port.transport.rawValue.uppercased())"
        return code == EADDRINUSE
            ? "\(name) is taken, by another pod or by a program of this machine"
            : "\(name) can't be had: \(String(cString: strerror(code)))"
    }
}
