import Foundation
import HTTPTypes
import KubeObject
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import TestPrograms
import Testing

@testable import KubeAPI

/// The real server on a real port, driven by curl and by Python: what no handler test can see.
@Suite(.serialized) struct TLSServerTests {
    /// Runs a server around `body`, which gets its URL and the authority's file.
    private func withServer(
        limits: ServerLimits = ServerLimits(), _ responder: @escaping Responder,
        _ body: @escaping @Sendable (_ url: String, _ directory: String, _ authority: CertificateAuthority) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let authority = try PlatformAuthority.loadOrCreate(directory: directory)
            let identity = try ServerIdentity(authority: authority, names: ServerNames(domain: "sampan.test"), logger: logger)
            let server = HTTPSServer(
                host: "127.0.0.1", port: 0, identity: identity, responder: responder, limits: limits,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let group = ServiceGroup(configuration: .init(services: [server, identity], logger: logger))
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                let port = await server.boundPort()
                do {
                    try await body("https://127.0.0.1:\(port)", directory, authority.current)
                } catch {
                    Issue.record(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    private func run(_ arguments: [String]) async throws -> String {
        try await runProgram(arguments).output
    }

    @Test func theCertificateIsRenewedWhenTheClockHasLeftItsTime() async throws {
        try await withTemporaryDirectory { directory in
            let identity = try ServerIdentity(
                authority: PlatformAuthority.loadOrCreate(directory: directory), names: ServerNames(domain: "sampan.test"),
                lifetime: 90 * 86_400, logger: Logger(label: "test"))
            for (days, isDue) in [(0, false), (59, false), (61, true), (400, true), (-1, true)] {
                #expect(identity.isDue(at: Date().addingTimeInterval(Double(days) * 86_400)) == isDue, "\(days)")
            }
        }
    }

    @Test func answersBothHTTPVersionsOverTLS() async throws {
        let responder: Responder = { .text("\($0.method) \($0.rawPath) \($0.connection.serverName ?? "-")") }
        try await withServer(responder) { url, directory, _ in
            for version in ["--http1.1", "--http2"] {
                let curl = ["curl", "-sS", "--cacert", directory + "/ca.crt", version, "-w", " %{http_version}"]
                let text = try await run(curl + ["\(url)/version"])
                #expect(text == "GET /version - " + (version == "--http2" ? "2" : "1.1"))
                let twice = try await run(curl + ["\(url)/a", "\(url)/b"])
                #expect(twice.contains("/a - ") && twice.contains("/b - "))
                let port = url.split(separator: ":").last.map(String.init) ?? ""
                let named = try await run(
                    curl + ["--resolve", "demo.sampan.test:\(port):127.0.0.1", "https://demo.sampan.test:\(port)/x"])
                #expect(named.contains("GET /x demo.sampan.test"))
            }
        }
    }

    @Test func refusesOldTLS() async throws {
        let responder: Responder = { _ in .text("ok") }
        try await withServer(responder) { url, directory, _ in
            let text = try await run(["curl", "-sS", "--cacert", directory + "/ca.crt", "--tls-max", "1.1", url])
            #expect(text.contains("curl: ("))
        }
    }

    @Test func takesClientCertificatesForLater() async throws {
        let clusterAuthority = try CertificateAuthority.generate(commonName: "cluster")
        let issued = try clusterAuthority.issueClientCertificate(user: "jane", groups: ["dev"], lifetime: 3600)
        let responder: Responder = { request in
            let verdict = await request.connection.certificateVerdict(
                cluster: 1, trust: ClientTrust(id: "1", authorities: [clusterAuthority.certificate]))
            return switch verdict {
            case .valid(let subject): .text("\(subject.user) \(subject.groups)")
            case .invalid(let reason): .text(reason)
            case nil: .text("nobody")
            }
        }
        try await withServer(responder) { url, directory, _ in
            try issued.certificatePEM().write(toFile: directory + "/c.crt", atomically: true, encoding: .utf8)
            try issued.keyPEM.write(toFile: directory + "/c.key", atomically: true, encoding: .utf8)
            for version in ["--http1.1", "--http2"] {
                let curl = ["curl", "-sS", "--cacert", directory + "/ca.crt", version]
                let without = try await run(curl + [url])
                #expect(without == "nobody")
                let with = try await run(curl + ["--cert", directory + "/c.crt", "--key", directory + "/c.key", url])
                #expect(with == #"jane ["dev"]"#)
            }
        }
    }

    @Test func bodiesAreBounded() async throws {
        let responder: Responder = { request in
            do {
                return .text("\(try await request.body.collect(limit: 1 << 20).count)")
            } catch let error as StatusError {
                return .failure(error)
            } catch {
                return .text("?")
            }
        }
        try await withServer(responder) { url, directory, _ in
            try Data(count: 1 << 20).write(to: URL(fileURLWithPath: directory + "/fits"))
            try Data(count: 3 << 20).write(to: URL(fileURLWithPath: directory + "/large"))
            for version in ["--http1.1", "--http2"] {
                let curl = ["curl", "-sS", "--cacert", directory + "/ca.crt", version, "-w", " %{http_code}"]
                let fits = try await run(curl + ["--data-binary", "@\(directory)/fits", url])
                #expect(fits == "1048576 200")
                let refused = try await run(curl + ["--data-binary", "@\(directory)/large", url])
                #expect(refused.contains("413"), "\(refused)")
            }
        }
    }

    @Test func malformedAndOversizedHeadsAreAnswered() async throws {
        let responder: Responder = { _ in .text("ok") }
        try await withServer(responder) { url, directory, _ in
            let curl = ["curl", "-sS", "--cacert", directory + "/ca.crt", "--http1.1", "-w", "%{http_code}", "-o", "/dev/null"]
            let large = try await run(curl + ["-H", "X: " + String(repeating: "a", count: 70_000), url])
            #expect(large.contains("431"))
            let malformed = try await run(curl + ["-X", "GE T", url])
            #expect(malformed.contains("400"))
            let good = try await run(curl + [url])
            #expect(good == "200")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTurn() async throws {
        let responder: Responder = { request in
            do { try await Task.sleep(for: .milliseconds(50)) } catch {}
            return .text(request.rawPath)
        }
        try await withServer(responder) { url, directory, _ in
            let port = url.split(separator: ":").last.map(String.init) ?? ""
            let script = """
                import socket, ssl, sys
                context = ssl.create_default_context(cafile=sys.argv[1] + "/ca.crt")
                with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname="localhost") as s:
                    s.settimeout(5)
                    request = b"POST /%d HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 3\\r\\n\\r\\nabc"
                    s.sendall(request % 1 + request % 2 + b"GET /3 HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
                    data = b""
                    while True:
                        piece = s.recv(4096)
                        if not piece: break
                        data += piece
                    print([part[-2:] for part in data.decode().split("HTTP/1.1 200 OK")[1:]])
                """
            let text = try await run(["python3", "-c", script, directory, port])
            #expect(text == "['/1', '/2', '/3']\n", "\(text)")
        }
    }

    @Test func streamsReachTheClientPieceByPieceAndEndWithIt() async throws {
        let ended = CloseSignal()
        let responder: Responder = { _ in
            APIResponse(
                status: 200, headers: [.contentType: "application/json"],
                body: .stream(isEndless: true) { writer in
                    defer { ended.fire() }
                    try await writer.write(Array("first\n".utf8))
                    try await Task.sleep(for: .seconds(100))
                })
        }
        for version in ["--http1.1", "--http2"] {
            try await withServer(responder) { url, directory, _ in
                let text = try await run(["curl", "-sSN", "--cacert", directory + "/ca.crt", version, "--max-time", "1", url])
                #expect(text.hasPrefix("first\n"))
                await ended.wait()
            }
        }
    }

    @Test func shutdownEndsStreams() async throws {
        let began = CloseSignal()
        let responder: Responder = { _ in
            APIResponse(
                status: 200,
                body: .stream(isEndless: true) { writer in
                    try await writer.write([65])
                    began.fire()
                    try await Task.sleep(for: .seconds(100))
                })
        }
        for version in ["--http1.1", "--http2"] {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                let found = AsyncStream<String>.makeStream()
                group.addTask {
                    try await withServer(responder) { url, directory, _ in
                        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString)").path
                        try FileManager.default.copyItem(atPath: directory + "/ca.crt", toPath: copy)
                        found.continuation.yield(url + " " + copy)
                        await began.wait()
                    }
                }
                for await pair in found.stream {
                    let parts = pair.split(separator: " ").map(String.init)
                    _ = try await run(["curl", "-sSN", "--cacert", parts[1], version, "--max-time", "30", parts[0]])
                    try FileManager.default.removeItem(atPath: parts[1])
                    break
                }
                try await group.waitForAll()
            }
            #expect(start.duration(to: .now) < .seconds(15))
        }
    }

    @Test func speaksWebSocket() async throws {
        let responder: Responder = { request in
            guard WebSocketHandshake.isRequested(by: request) else { return .text("no", status: 400) }
            return APIResponse(
                status: 101,
                body: .webSocket(subprotocol: WebSocketHandshake.offeredProtocols(by: request).first ?? "") { socket in
                    while let message = try await socket.receive() {
                        guard case .data(let bytes, _) = message else { break }
                        try await socket.send(bytes.reversed())
                    }
                    try await socket.close(code: 1000, reason: "")
                })
        }
        try await withServer(responder) { url, directory, _ in
            let parts = url.split(separator: ":")
            let script = """
                import base64, os, socket, ssl, struct, sys
                context = ssl.create_default_context(cafile=sys.argv[1] + "/ca.crt")
                context.set_alpn_protocols(["http/1.1"])
                with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname="localhost") as s:
                    def frame(data):
                        mask = os.urandom(4)
                        return struct.pack("!BB", 0x82, 0x80 | len(data)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))
                    # The first frame comes in the same segment as the handshake.
                    s.sendall(b"GET /exec HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: keep-alive, Upgrade\\r\\nUpgrade: websocket\\r\\n"
                        b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) +
                        b"\\r\\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\\r\\n\\r\\n" + frame(b"abc"))
                    s.sendall(frame(b"def"))
                    s.sendall(b"\\x88\\x80\\0\\0\\0\\0")
                    data = b""
                    s.settimeout(3)
                    while True:
                        try: piece = s.recv(4096)
                        except Exception as e: print(repr(e)); break
                        if not piece: break
                        data += piece
                    head, rest = data.split(b"\\r\\n\\r\\n", 1)
                    print(head.decode().lower())
                    print(rest)
                """
            let text = try await run(["python3", "-c", script, directory, String(parts[2])])
            #expect(text.contains("101 switching protocols"), "\(text)")
            #expect(text.contains("sec-websocket-protocol: v5.channel.k8s.io"))
            #expect(text.contains(#"b'\x82\x03cba\x82\x03fed\x88\x02\x03\xe8'"#), "\(text)")
        }
    }
}
