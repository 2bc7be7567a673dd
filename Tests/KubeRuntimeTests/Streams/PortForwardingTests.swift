import Foundation
import Glibc
import KubeRegistry
import Testing

@testable import KubeRuntime

/// Against servers of this process, in the host's network.
@Suite struct PortForwardingTests {
    /// Listens on loopback, takes one connection, reads a piece of it, answers, and closes it.
    private struct Server {
        let port: UInt16
        private let descriptor: Int32

        init(resets: Bool, answer: String) throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    bind(descriptor, pointer, length) == 0 && listen(descriptor, 8) == 0
                        && getsockname(descriptor, pointer, &length) == 0
                }
            }
            try #require(isBound)
            port = UInt16(bigEndian: address.sin_port)
            self.descriptor = descriptor
            let listener = descriptor
            Thread.detachNewThread {
                let connection = accept(listener, nil, nil)
                var bytes = [UInt8](repeating: 0, count: 16)
                _ = read(connection, &bytes, bytes.count)
                _ = answer.withCString { write(connection, $0, strlen($0)) }
                if resets {
                    var linger = linger(l_onoff: 1, l_linger: 0)
                    setsockopt(
                        connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
                }
                close(connection)
            }
        }

        func end() { close(descriptor) }
    }

    private func forward(to port: UInt16, isWhole: Bool = false) async throws -> CollectingSink {
        let (input, typing) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        typing.yield(Array("hello".utf8))
        if isWhole { typing.finish() }
        let screen = CollectingSink()
        try await PortForwarding.run(namespace: nil, port: port, from: input, to: screen)
        return screen
    }

    /// - Parameter isWhole: whether the client has ended its half before.
    @Test(arguments: [false, true]) func anEndIsAnEnd(_ isWhole: Bool) async throws {
        for _ in 0..<20 {
            let server = try Server(resets: false, answer: "bye")
            defer { server.end() }
            let screen = try await forward(to: server.port, isWhole: isWhole)
            #expect(screen.text == "bye" && screen.isFinished)
        }
    }

    @Test func aResetIsTold() async throws {
        for _ in 0..<20 {
            let server = try Server(resets: true, answer: "")
            defer { server.end() }
            let failure = await #expect(throws: PortForwarding.Refused.self) { _ = try await forward(to: server.port) }
            let text = failure?.description ?? ""
            #expect(
                text.hasPrefix("failed to execute portforward in network namespace \"host\": read tcp4 127.0.0.1:"), "\(text)")
            #expect(text.hasSuffix("->127.0.0.1:\(server.port): read: connection reset by peer"), "\(text)")
        }
    }
}
