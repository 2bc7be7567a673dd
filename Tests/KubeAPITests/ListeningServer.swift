import Foundation
import KubeObject
import Logging
import NIOPosix
import ServiceLifecycle
import Testing

@testable import KubeAPI

/// Runs `body` with a test server at a real port and the path of its administrator's kubeconfig for the cluster `demo`.
func withListeningServer(_ body: @escaping @Sendable (_ kubeconfig: String, TestServer) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        try await TestServer.run { server in
            let identity = try ServerIdentity(
                authority: PlatformAuthority(server.authority), names: ServerNames(), logger: server.logger)
            let https = HTTPSServer(
                host: "127.0.0.1", port: 0, identity: identity, api: server.api,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: server.logger)
            let group = ServiceGroup(configuration: .init(services: [https, identity], logger: server.logger))
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                let port = await https.boundPort()
                do {
                    let config = Kubeconfig(
                        name: "demo", server: "https://127.0.0.1:\(port)/clusters/demo",
                        certificateAuthority: try server.authority.pem(), credential: .token(server.adminToken("demo")))
                    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                    let path = directory + "/config"
                    try YAML.encode(config.document).write(toFile: path, atomically: true, encoding: .utf8)
                    try await body(path, server)
                } catch {
                    Issue.record(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
