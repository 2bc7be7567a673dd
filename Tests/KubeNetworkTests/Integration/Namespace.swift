import Foundation

@testable import KubeNetwork

/// A network namespace of the kernel, made with `ip`, in which sockets can be opened from here.
struct NetworkNamespace: Sendable {
    let name: String

    /// Runs a blocking body on a thread of its own that's in the namespace. Sockets made there stay there.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let path = "/run/netns/\(name)"
        return try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(
                    with: Swift.Result {
                        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                        guard descriptor >= 0 else { throw SocketError(what: "open \(path)") }
                        defer { close(descriptor) }
                        // setns(2) isn't in the C library's module.
                        typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
                        guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "setns"),
                            unsafeBitCast(symbol, to: SetNamespace.self)(descriptor, 0x4000_0000) == 0
                        else { throw SocketError(what: "setns") }
                        return try body()
                    })
            }
            thread.start()
        }
    }
}

struct SocketError: Error, CustomStringConvertible {
    var what: String
    var code: Int32 = errno
    var description: String { "\(what): \(String(cString: strerror(code)))" }
}

/// Blocking sockets, enough to ask and answer.
struct TestSocket {
    enum Kind { case tcp, udp }

    let descriptor: Int32

    init(_ kind: Kind, timeout: Double = 1) throws {
        descriptor = socket(AF_INET, Int32((kind == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError(what: "socket") }
        var time = timeval(tv_sec: Int(timeout), tv_usec: Int((timeout - timeout.rounded(.down)) * 1e6))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    func bind(_ address: String, _ port: UInt16) throws {
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        try Self.with(address, port) {
            guard Foundation.bind(descriptor, $0, $1) == 0 else { throw SocketError(what: "bind \(address):\(port)") }
        }
    }

    func connect(_ address: String, _ port: UInt16) throws {
        try Self.with(address, port) {
            guard Foundation.connect(descriptor, $0, $1) == 0 else { throw SocketError(what: "connect \(address):\(port)") }
        }
    }

    func send(_ bytes: [UInt8]) throws {
        guard Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw SocketError(what: "send")
        }
    }

    func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw SocketError(what: "recv") }
        return Array(buffer.prefix(count))
    }

    func close() { Foundation.close(descriptor) }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// A datagram socket for IPv6.
    static func six(timeout: Double) throws -> TestSocket {
        let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError(what: "socket") }
        var time = timeval(tv_sec: 0, tv_usec: Int(timeout * 1e6))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        return TestSocket(descriptor: descriptor)
    }

    func bindSix(_ port: UInt16) throws {
        let place = Self.six([UInt8](repeating: 0, count: 16), port, scope: 0)
        let code = place.withUnsafeBytes {
            Foundation.bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, 28)
        }
        guard code == 0 else { throw SocketError(what: "bind [::]:\(port)") }
    }

    func sendSix(_ bytes: [UInt8], _ address: [UInt8], _ port: UInt16, scope: UInt32) throws {
        let place = Self.six(address, port, scope: scope)
        let count = place.withUnsafeBytes {
            sendto(descriptor, bytes, bytes.count, 0, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, 28)
        }
        guard count == bytes.count else { throw SocketError(what: "sendto") }
    }

    /// A `sockaddr_in6`: family, port, flow, address, scope.
    private static func six(_ address: [UInt8], _ port: UInt16, scope: UInt32) -> [UInt8] {
        [UInt8(AF_INET6), 0, UInt8(port >> 8), UInt8(port & 255), 0, 0, 0, 0] + address
            + withUnsafeBytes(of: scope) { Array($0) }
    }

    /// A `sockaddr_in`: family, port, address. Byte by byte, because NIO's own view of the struct hides the C library's.
    static func with<Result>(
        _ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        let place =
            [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 255)] + IPAddress(address[...])!.octets + Peer().bytes.suffix(8)
        return try place.withUnsafeBytes { try body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!, 16) }
    }
}

/// Room for a `sockaddr_in` that the kernel fills.
struct Peer {
    var bytes = [UInt8](repeating: 0, count: 16)
    var address: String { bytes[4..<8].map(String.init).joined(separator: ".") }

    mutating func fill<Result>(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result) -> Result {
        var size: socklen_t = 16
        return bytes.withUnsafeMutableBytes { body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!, &size) }
    }
}

/// Says its name and who it sees, to whoever connects or sends, on one port over TCP and UDP, until it's closed.
final class EchoServer: Sendable {
    private let descriptors: [Int32]
    let port: UInt16

    /// To be made within the namespace in which it's to be.
    init(name: String, port: UInt16) throws {
        self.port = port
        let tcp = try TestSocket(.tcp, timeout: 3_600)
        try tcp.bind("0.0.0.0", port)
        guard listen(tcp.descriptor, 64) == 0 else { throw SocketError(what: "listen") }
        let udp = try TestSocket(.udp, timeout: 3_600)
        try udp.bind("0.0.0.0", port)
        descriptors = [tcp.descriptor, udp.descriptor]
        Thread { Self.accept(tcp.descriptor, name) }.start()
        Thread { Self.answer(udp.descriptor, name) }.start()
    }

    func close() { for descriptor in descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) } }

    private static func accept(_ listener: Int32, _ name: String) {
        while true {
            var peer = Peer()
            let connection = peer.fill { Foundation.accept(listener, $0, $1) }
            guard connection >= 0 else { break }
            let text = Array("\(name) sees \(peer.address)".utf8)
            send(connection, text, text.count, Int32(MSG_NOSIGNAL))
            Foundation.close(connection)
        }
        Foundation.close(listener)
    }

    private static func answer(_ socket: Int32, _ name: String) {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            var peer = Peer()
            let count = peer.fill { recvfrom(socket, &buffer, buffer.count, 0, $0, $1) }
            // Shut down, which for a datagram socket is nothing received from nobody.
            guard count > 0 else { break }
            let text = Array("\(name) sees \(peer.address)".utf8)
            _ = peer.bytes.withUnsafeBytes {
                sendto(socket, text, text.count, 0, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, 16)
            }
        }
        Foundation.close(socket)
    }
}
