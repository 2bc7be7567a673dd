import Foundation
import Glibc
import KubeObject
import Testing

@testable import KubeRuntime

/// Against a server of this process that takes no connections.
@Suite struct HandlerTests {
    /// Listens on loopback with room for so few connections that further ones are never answered, as those to a pod that is gone.
    private final class DeafServer {
        let port: UInt16
        private var descriptors: [Int32] = []

        init() throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            descriptors.append(listener)
            // The members of sockaddr_in belong to another module in a release build: family, port, address, rest.
            var address = [UInt8](repeating: 0, count: 16)
            address.withUnsafeMutableBytes { $0.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self) }
            address.replaceSubrange(4..<8, with: [127, 0, 0, 1])
            var length = socklen_t(16)
            let isBound = address.withUnsafeMutableBytes { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) {
                    guard let pointer = $0.baseAddress else { return false }
                    return bind(listener, pointer, length) == 0 && listen(listener, 0) == 0
                        && getsockname(listener, pointer, &length) == 0
                }
            }
            try #require(isBound)
            port = UInt16(address[2]) << 8 | UInt16(address[3])
            for _ in 0..<4 {
                let filler = socket(
                    AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
                descriptors.append(filler)
                _ = address.withUnsafeBytes { bytes in
                    bytes.withMemoryRebound(to: sockaddr.self) { connect(filler, $0.baseAddress, length) }
                }
            }
        }

        func close() { for descriptor in descriptors { Glibc.close(descriptor) } }

        /// How many sockets of this machine still try to reach it (proc_net_tcp(5): state 2).
        func attempts() throws -> Int {
            let target = String(format: "0100007F:%04X", port)
            return try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n").filter { line in
                let words = line.split(separator: " ")
                return words.count > 3 && words[2] == target && words[3] == "02"
            }.count
        }
    }

    @Test func aProbeThatIsOverTriesNoLongerToReachItsPod() async throws {
        let server = try DeafServer()
        defer { server.close() }
        let others = try server.attempts()
        let runner = HandlerRunner(client: try EngineClient(socket: "/nonexistent"))
        let target = HandlerRunner.Target(containerID: "c", container: ContainerSpec(["name": "c"], .regular), podIP: "127.0.0.1")
        let probe: JSON = ["httpGet": ["path": "/", "port": .int(Int64(server.port))]]
        for _ in 0..<3 {
            await #expect(throws: HandlerRunner.Failure.self) { try await runner.run(probe, target, timeout: .seconds(1)) }
        }
        // The kernel alone would go on for two minutes.
        let end = ContinuousClock.now + .seconds(8)
        while try server.attempts() > others, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(50)) }
        #expect(try server.attempts() <= others)
    }
}
