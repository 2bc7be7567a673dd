import HTTPTypes
import KubeObject
import KubeSchema
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

    /// To upstream's table printers a bookmark is an object without a name: one row.
    @Test(arguments: [("", true), ("&includeObject=None", false), ("&includeObject=Object", true)])
    func tablesTellBookmarksInARow(_ query: String, _ showsAll: Bool) async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let result = try await server.send(
                .get,
                "/api/v1/namespaces/default/configmaps?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
                    + "&resourceVersionMatch=NotOlderThan&resourceVersion=\(query)",
                headers: [.accept: "application/json;as=Table;v=v1;g=meta.k8s.io"])
            let events = try lines(result.text)
            let bookmark = try #require(events.last)
            #expect(bookmark["type"] == "BOOKMARK", "\(result.text)")
            let table = try #require(bookmark["object"])
            let version = try #require(table["metadata"]?["resourceVersion"]?.string)
            #expect(table["kind"] == "Table" && UInt64(version) != nil && table["columnDefinitions"] == .null)
            let row = try #require(table["rows"]?.elements.first)
            #expect(row["cells"] == ["", 0, "<unknown>"])
            // What ends the initial events is told even to those who want no objects.
            #expect(row["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
            #expect(row["object"]?["metadata"]?["resourceVersion"]?.string == version)
            #expect((events.first?["object"]?["rows"]?[0]?["object"] != nil) == showsAll)
        }
    }

    // MARK: WebSockets

    private func webSocket(
        _ server: TestServer, accept: String = "application/json", origin: String? = "http://localhost", protocols: String = "",
        query: String = "", _ messages: [WebSocketMessage] = []
    ) async throws -> (response: APIResponse, session: FakeSession) {
        var headers: HTTPFields = [
            .authorization: "Bearer \(server.adminToken("demo"))", .upgrade: "websocket", .connection: "Upgrade",
            .webSocketVersion: "13", .webSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==", .accept: accept,
        ]
        if let origin { headers[.origin] = origin }
        if !protocols.isEmpty { headers[.webSocketProtocol] = protocols }
        let response = await server.api.respond(
            to: APIRequest(
                method: .get, target: "/clusters/demo/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1\(query)",
                headers: headers))
        let session = FakeSession(messages)
        if case .webSocket(_, let run) = response.body { try await run(session) }
        return (response, session)
    }

    @Test func eventsAreMessagesOfAWebSocket() async throws {
        try await TestServer.run { server in
            for name in ["a", "b"] { try await server.createNamespacedConfigMap(name) }
            let (response, session) = try await webSocket(server, protocols: "base64.binary.k8s.io")
            guard case .webSocket("base64.binary.k8s.io", _) = response.body else {
                Issue.record("no upgrade: \(response)")
                return
            }
            // Three: every namespace has a config map of its own.
            #expect(session.sentText.count == 3 && session.sent.isEmpty && session.closeCode == 1000)
            let names = try session.sentText.map { try JSON(parsing: Array($0.utf8))["object"]?["metadata"]?["name"]?.string }
            #expect(names == ["a", "b", "kube-root-ca.crt"])
        }
    }

    @Test func eventsInProtobufAreBinaryMessagesWithoutAFrame() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let (_, session) = try await webSocket(server, accept: Protobuf.mediaType)
            #expect(session.sent.count == 2 && session.sentText.isEmpty)
            // Field 1, the type, comes first.
            #expect(session.sent[0].starts(with: [0x0A, 5] + Array("ADDED".utf8)))
        }
    }

    @Test func whoClosesAWebSocketIsLeftAlone() async throws {
        try await TestServer.run { server in
            let (_, session) = try await webSocket(server, query: "00", [.close])
            #expect(session.closeCode == nil)
        }
    }

    @Test(
        arguments: [
            (nil, "", 403), ("nonsense", "", 403), ("http://a", "one, two", 400), ("http://a", "one", 101),
            ("http://a", "one, base64url.bearer.authorization.k8s.io.AAAA", 101),
        ] as [(String?, String, Int)])
    func handshakesAreCheckedAsUpstreamDoes(_ origin: String?, _ protocols: String, _ status: Int) async throws {
        try await TestServer.run { server in
            let (response, _) = try await webSocket(server, origin: origin, protocols: protocols, [.close])
            #expect(response.status == status)
        }
    }
}
