import Foundation

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

    static func with<Result>(
        _ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = inet_addr(address)
        return try withUnsafePointer(to: &place) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    static func text(_ place: sockaddr_in) -> String {
        let number = UInt32(bigEndian: place.sin_addr.s_addr)
        return "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
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
            var peer = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let connection = withUnsafeMutablePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.accept(listener, $0, &size) }
            }
            guard connection >= 0 else { break }
            let text = Array("\(name) sees \(TestSocket.text(peer))".utf8)
            send(connection, text, text.count, Int32(MSG_NOSIGNAL))
            Foundation.close(connection)
        }
        Foundation.close(listener)
    }

    private static func answer(_ socket: Int32, _ name: String) {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            var peer = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(socket, &buffer, buffer.count, 0, $0, &size) }
            }
            // Shut down, which for a datagram socket is nothing received from nobody.
            guard count > 0 else { break }
            let text = Array("\(name) sees \(TestSocket.text(peer))".utf8)
            _ = withUnsafePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(socket, text, text.count, 0, $0, size) }
            }
        }
        Foundation.close(socket)
    }
}
