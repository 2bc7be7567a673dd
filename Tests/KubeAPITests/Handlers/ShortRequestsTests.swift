import HTTPTypes
import Synchronization
import Testing

@testable import KubeAPI

struct ShortRequestsTests {
    @Test func areRecentForAWhile() {
        let now = Mutex<UInt64>(5)
        let requests = ShortRequests { now.withLock { $0 } }
        #expect(!requests.areRecent && !requests.hasBeenAny)
        requests.note()
        #expect(requests.areRecent)
        now.withLock { $0 += ShortRequests.memory - 1 }
        #expect(requests.areRecent)
        now.withLock { $0 += 1 }
        #expect(!requests.areRecent && requests.hasBeenAny)
    }

    @Test func listsAreNone() async throws {
        try await TestServer.run { server in
            for query in ["", "?watch=1&timeoutSeconds=1"] {
                _ = try await server.send(.get, "/api/v1/configmaps\(query)")
                #expect(!server.api.shortRequests.hasBeenAny)
            }
            _ = try await server.send(.get, "/api/v1/namespaces/default")
            #expect(server.api.shortRequests.hasBeenAny)
        }
    }
}
