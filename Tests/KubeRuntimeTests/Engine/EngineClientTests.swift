import GRPCCore
import Testing

@testable import KubeRuntime

extension Integration {
    struct EngineClientTests {
        /// Go's gRPC server pings for nearly every request, which NIO's HTTP/2 takes for an attack after 200 of them.
        @Test func oneConnectionCarriesManyCalls() async throws {
            try await withEngine("calls", subnet: "10.231.20.0/24") { engine in
                let client = engine.client
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<200 {
                                _ = try await client.runtime.listContainers(
                                    CRIListContainersRequest(), options: .within(.seconds(10)))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
}
