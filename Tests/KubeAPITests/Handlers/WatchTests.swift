import HTTPTypes
import KubeObject
import Testing

@testable import KubeAPI

struct WatchTests {
    private func lines(_ text: String) throws -> [JSON] {
        try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    @Test func eventsComeAndTheTimeEnds() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            try await server.createNamespacedConfigMap("before")
            let version = try #require(try await server.send(.get, path).json["metadata"]?["resourceVersion"]?.string)
            async let watched = server.send(.get, path + "?watch=true&timeoutSeconds=1&resourceVersion=\(version)")
            try await Task.sleep(for: .milliseconds(200))
            try await server.createNamespacedConfigMap("after")
            _ = try await server.send(.delete, path + "/after")
            let result = try await watched
            #expect(result.status == 200)
            let events = try lines(result.text)
            #expect(events.compactMap { $0["type"]?.string } == ["ADDED", "DELETED"])
            #expect(events.first?["object"]?["kind"] == "ConfigMap")
        }
    }

    @Test func initialStateEndsWithABookmark() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let result = try await server.send(
                .get,
                "/api/v1/namespaces/default/configmaps?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
                    + "&resourceVersionMatch=NotOlderThan&resourceVersion=")
            let events = try lines(result.text)
            #expect(events.last?["type"] == "BOOKMARK", "\(result.text)")
            #expect(
                events.last?["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
        }
    }

    @Test func oldPathAndTablesWork() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let result = try await server.send(
                .get, "/api/v1/watch/namespaces/default/configmaps/a?timeoutSeconds=1",
                headers: [.accept: "application/json;as=Table;v=v1;g=meta.k8s.io"])
            let events = try lines(result.text)
            #expect(events.count == 1)
            #expect(events.first?["object"]?["kind"] == "Table", "\(result.text)")
        }
    }
}
