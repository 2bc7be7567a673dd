import HTTPTypes
import KubeObject
import KubeRegistry
import Synchronization
import Testing

@testable import KubeAPI

struct StreamTests {
    private func withPod(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            let created = try await server.send(
                .post, "/api/v1/namespaces/default/pods",
                body: [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
                    "spec": ["nodeName": "n", "containers": [["name": "a", "image": "i"], ["name": "b", "image": "i"]]],
                ])
            #expect(created.status == 201, "\(created.text)")
            try await body(server)
        }
    }

    private let pod = "/api/v1/namespaces/default/pods/p"

    @Test func logsAreStreamed() async throws {
        try await withPod { server in
            let log = try await server.send(.get, pod + "/log?container=a&tailLines=5&follow=true")
            #expect(log.text == "one\ntwo\n")
            #expect(log.headers[.contentType] == "text/plain")
            #expect(server.streams.calls.first?.options?.tailLines == 5)
            let unclear = try await server.send(.get, pod + "/log")
            #expect(unclear.status == 400)
            #expect(unclear.message == "a container name must be specified for pod p, choose one of: [a b]")
            #expect(try await server.send(.get, pod + "/log?container=z").message == "container z is not valid for pod p")
            let negative = try await server.send(.get, pod + "/log?container=a&tailLines=-1")
            #expect(negative.status == 422)
            #expect(negative.message.contains("tailLines: Invalid value: -1: must be greater than or equal to 0"))
            #expect(try await server.send(.get, pod + "/log?container=a&tailLines=x").status == 400)
            #expect(try await server.send(.get, pod + "/log?container=a&previous=true").status == 400)
            #expect(try await server.send(.get, "/api/v1/namespaces/default/pods/none/log").status == 404)
        }
    }

    private func exec(
        _ server: TestServer, _ query: String, subprotocol: String, messages: [WebSocketMessage], subresource: String = "exec"
    ) async throws -> FakeSession {
        var headers: HTTPFields = [
            .authorization: "Bearer \(server.adminToken("demo"))", .upgrade: "websocket", .connection: "Upgrade",
            .webSocketVersion: "13", .webSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        if !subprotocol.isEmpty { headers[.webSocketProtocol] = subprotocol }
        let response = await server.api.respond(
            to: APIRequest(
                method: .get, target: "/clusters/demo\(pod)/\(subresource)?container=a&\(query)",
                headers: headers))
        guard case .webSocket(_, let run) = response.body else {
            throw StatusError(code: response.status, reason: "", message: "no upgrade")
        }
        let session = FakeSession(messages)
        try await run(session)
        return session
    }

    @Test func execEchoesAndExits() async throws {
        try await withPod { server in
            let session = try await exec(
                server, "command=echo&command=hi&stdout=true&stderr=true", subprotocol: "v5.channel.k8s.io, v4.channel.k8s.io",
                messages: [])
            let sent = session.sent
            #expect(sent.first == [1])
            #expect(sent.contains([1] + Array("hi\n".utf8)))
            #expect(sent.contains([2] + Array("warned\n".utf8)))
            #expect(sent.last.map { String(decoding: $0.dropFirst(), as: UTF8.self) } == #"{"metadata":{},"status":"Success"}"#)
            #expect(session.closeCode == 1000)
        }
    }

    /// Before v4, success is told by nothing and an error as plain text; without a subprotocol as with the first.
    @Test(arguments: ["channel.k8s.io", ""]) func oldSubprotocolsSayOnlyWhatWentWrong(_ subprotocol: String) async throws {
        try await withPod { server in
            let well = try await exec(server, "command=echo&command=hi&stdout=true", subprotocol: subprotocol, messages: [])
            #expect(well.sent.contains([1] + Array("hi\n".utf8)))
            #expect(!well.sent.contains { $0.first == 3 })
            #expect(well.closeCode == 1000)
            let badly = try await exec(server, "command=fail&stdout=true", subprotocol: subprotocol, messages: [])
            #expect(badly.sent.last == [3] + Array("command terminated with non-zero exit code: exit status 3".utf8))
        }
    }

    @Test(arguments: ["base64.channel.k8s.io", "v4.base64.channel.k8s.io"])
    func bytesMayTravelAsText(_ subprotocol: String) async throws {
        try await withPod { server in
            let session = try await exec(
                server, "command=cat&stdin=true&stdout=true", subprotocol: subprotocol,
                // "abcdef", with a piece that ends within a group of four.
                messages: [
                    .data(Array("0YWJjZ".utf8), isStart: true), .data(Array("GVm".utf8), isStart: false), .close,
                ])
            #expect(session.sentText.first == "1")
            #expect(session.sentText.dropFirst().contains { $0.hasPrefix("1YWJj") })
            let ended = try await exec(server, "command=fail&stdout=true", subprotocol: subprotocol, messages: [])
            #expect(ended.sentText.last?.first == "3")
        }
    }

    @Test func logsTravelOverWebSockets() async throws {
        try await withPod { server in
            let binary = try await exec(server, "", subprotocol: "binary.k8s.io", messages: [], subresource: "log")
            #expect(binary.sent.first == [])
            #expect(binary.sent.flatMap { $0 } == Array("one\ntwo\n".utf8))
            #expect(binary.closeCode == 1000)
            let plain = try await exec(server, "", subprotocol: "", messages: [], subresource: "log")
            #expect(plain.sent.flatMap { $0 } == Array("one\ntwo\n".utf8))
            let text = try await exec(server, "", subprotocol: "base64.binary.k8s.io", messages: [], subresource: "log")
            #expect(text.sentText.contains { $0.hasPrefix("b25l") })
        }
    }

    @Test func inputReachesTheProcessUntilItIsClosed() async throws {
        try await withPod { server in
            let session = try await exec(
                server, "command=cat&stdin=true&stdout=true", subprotocol: "v5.channel.k8s.io",
                messages: [
                    .data([0] + Array("ab".utf8), isStart: true), .data(Array("cd".utf8), isStart: false),
                    .data([0] + Array("e".utf8), isStart: true), .data([255, 0], isStart: true),
                ])
            let output = session.sent.filter { $0.first == 1 }.flatMap { $0.dropFirst() }
            #expect(String(decoding: output, as: UTF8.self) == "abcde")
        }
    }

    @Test func failureCarriesTheExitCode() async throws {
        try await withPod { server in
            let session = try await exec(server, "command=fail&stdout=true", subprotocol: "v4.channel.k8s.io", messages: [])
            let status = try JSON(parsing: Array(try #require(session.sent.last).dropFirst()))
            #expect(status["reason"] == "NonZeroExitCode")
            #expect(status["details"]?["causes"]?[0] == ["reason": "ExitCode", "message": "3"])
        }
    }

    @Test func terminalSizesAreTold() async throws {
        try await withPod { server in
            let session = try await exec(
                server, "command=size&stdout=true&tty=true&stdin=true", subprotocol: "v5.channel.k8s.io",
                messages: [.data([4] + Array(#"{"Width":80,"Height":24}"#.utf8), isStart: true)])
            #expect(session.sent.contains([1] + Array("80x24".utf8)))
            let attached = try await exec(
                server, "stdout=true", subprotocol: "v5.channel.k8s.io", messages: [], subresource: "attach")
            #expect(attached.sent.contains([1] + Array("attached".utf8)))
        }
    }

    @Test func refusalsComeBeforeTheUpgrade() async throws {
        try await withPod { server in
            #expect(try await server.send(.get, pod + "/exec?container=a&command=x&stdout=true").status == 400)
            #expect(try await server.send(.get, pod + "/exec?container=z&command=x&stdout=true").status == 400)
            let anonymous = try await server.send(.get, pod + "/exec?container=a&command=x&stdout=true", anonymous: true)
            #expect(anonymous.status == 403)
            await #expect(throws: StatusError.self) {
                try await exec(server, "command=x&stdout=true", subprotocol: "v9.nothing", messages: [])
            }
        }
    }
}

/// A WebSocket whose client sends what it is given and then waits.
final class FakeSession: WebSocketSession {
    private let incoming: Mutex<[WebSocketMessage]>
    private let outgoing = Mutex<(messages: [[UInt8]], texts: [String], code: UInt16?)>(([], [], nil))

    init(_ messages: [WebSocketMessage]) {
        self.incoming = Mutex(messages)
    }

    var sent: [[UInt8]] { self.outgoing.withLock { $0.messages } }
    var sentText: [String] { self.outgoing.withLock { $0.texts } }
    var closeCode: UInt16? { self.outgoing.withLock { $0.code } }

    func receive() async throws -> WebSocketMessage? {
        if let message = self.incoming.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return message }
        try await Task.sleep(for: .seconds(20))
        return nil
    }

    func send(_ bytes: [UInt8]) async throws {
        self.outgoing.withLock { $0.messages.append(bytes) }
    }

    func send(text: String) async throws {
        self.outgoing.withLock { $0.texts.append(text) }
    }

    func close(code: UInt16, reason: String) async throws {
        self.outgoing.withLock { $0.code = code }
    }
}
