import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import TestPrograms
import Testing

@testable import KubeAPI

/// Over real sockets: curl, the server, and a small web server of Python's in the place of a pod.
struct ProxyTests {
    private static let program = """
        import http.server, sys, socket
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def answer(self):
                if self.headers.get("Upgrade") == "echo":
                    self.connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\nhello ")
                    while data := self.connection.recv(1000): self.connection.sendall(data)
                    self.close_connection = True
                    return
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                while self.headers.get("Transfer-Encoding") == "chunked":
                    count = int(self.rfile.readline(), 16)
                    body += self.rfile.read(count)
                    self.rfile.readline()
                    if count == 0: break
                if self.path == "/moved":
                    self.send_response(302); self.send_header("Location", "/there"); self.send_header("Content-Length", "0"); self.end_headers()
                    return
                text = f"{self.command} {self.path} {self.headers.get('X-Forwarded-Uri')} {self.headers.get('Authorization')} {len(body)}"
                kind = "text/plain"
                if self.path == "/page": text, kind = '<a href="/x">', "text/html; charset=utf-8"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD": self.wfile.write(text.encode())
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer
            def log_message(self, *rest): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    /// Runs `body` with a base URL, a token, a port at which "the pod" listens, and the server.
    private func withBackend(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        let python = try TestProgram.start(["python3", "-c", Self.program])
        defer { python.killAndWait() }
        let line = String(decoding: python.output.availableData, as: UTF8.self)
        let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
        try await withListeningServer { kubeconfig, server in
            let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
            let base = try #require(text.firstMatch(of: /https:\/\/127.0.0.1:\d+/)).output
            let pod = try await server.send(
                .post, "/api/v1/namespaces/default/pods",
                body: [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web"],
                    "spec": [
                        "nodeName": "n",
                        "containers": [
                            ["name": "a", "image": "i", "ports": [["name": "http", "containerPort": .int(Int64(port))]]]
                        ],
                    ],
                ])
            let status = try await server.send(
                .patch, "/api/v1/namespaces/default/pods/web/status", raw: #"{"status":{"podIP":"127.0.0.1"}}"#,
                headers: [.contentType: "application/merge-patch+json"])
            #expect(status.status == 200, "\(status.text)")
            let cluster = try #require(try await server.store.cluster("demo"))
            let address = PodAddress(
                cluster: cluster.id, namespace: "default", name: "web", uid: pod.json[path: "metadata", "uid"]?.string ?? "")
            try await body(
                Setting(
                    base: "\(base)/clusters/demo/api/v1/namespaces/default", token: server.adminToken("demo"), port: port,
                    address: address, server: server))
        }
    }

    private struct Setting: Sendable {
        var base: String
        var token: String
        var port: Int
        var address: PodAddress
        var server: TestServer

        func curl(_ path: String, _ arguments: String...) async throws -> String {
            try await runProgram(
                ["curl", "-sk", "-m", "20", "-H", "Authorization: Bearer \(self.token)"] + arguments + [self.base + path]
            ).output
        }
    }

    @Test func passesRequestsOn() async throws {
        try await withBackend { setting in
            // Whoever may write a pod's status may write any address: what isn't known to be this pod's is refused.
            #expect(try await setting.curl("/pods/web/proxy/a").contains("address not allowed"))
            setting.server.addressBook.add("127.0.0.1", setting.address)
            let prefix = "/clusters/demo/api/v1/namespaces/default/pods/web/proxy"
            #expect(try await setting.curl("/pods/web/proxy/a%20b?c=d") == "GET /a%20b?c=d \(prefix)/a%20b None 0")
            #expect(try await setting.curl("/pods/http:web:\(setting.port)/proxy/", "-X", "DELETE").hasPrefix("DELETE / "))
            #expect(try await setting.curl("/pods/web:http/proxy/x").hasPrefix("GET /x "))
            #expect(try await setting.curl("/pods/web/proxy/x", "-d", "12345").hasSuffix(" None 5"))
            #expect(
                try await setting.curl("/pods/web/proxy/x", "-d", "1234567", "-H", "Transfer-Encoding: chunked", "--http1.1")
                    .hasSuffix(" 7"))
            #expect(try await setting.curl("/pods/web/proxy/x", "-I").contains("content-type: text/plain"))
            #expect(try await setting.curl("/pods/web/proxy/page") == "<a href=\"\(prefix)/x\">")
            #expect(try await setting.curl("/pods/web/proxy/moved", "-D", "-").lowercased().contains("location: \(prefix)/there"))
            #expect(try await setting.curl("/pods/web/proxy", "-D", "-").lowercased().contains("location: \(prefix)/\r\n"))
            let refused = try await setting.curl("/pods/web:1/proxy/")
            #expect(refused.contains("error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused"))
            #expect(refused.contains("\"reason\":\"ServiceUnavailable\""))
            #expect(try await setting.curl("/pods/a:b:c:d/proxy/").contains("invalid pod request"))
        }
    }

    @Test func switchesProtocols() async throws {
        try await withBackend { setting in
            setting.server.addressBook.add("127.0.0.1", setting.address)
            let url = try #require(URL(string: setting.base + "/pods/web/proxy/echo"))
            let program = """
                import socket, ssl, sys
                context = ssl._create_unverified_context()
                connection = context.wrap_socket(socket.create_connection(("127.0.0.1", \(url.port ?? 0))))
                connection.sendall(b"GET \(url.path) HTTP/1.1\\r\\nHost: h\\r\\nAuthorization: Bearer \(setting.token)\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\nearly ")
                connection.settimeout(15)
                got = b""
                def until(end):
                    global got
                    while not got.endswith(end):
                        part = connection.recv(1000)
                        if not part: sys.exit(f"ended after {got}")
                        got += part
                until(b"early ")
                connection.sendall(b"late")
                until(b"late")
                print(got.decode())
                """
            let answer = try await runProgram(["timeout", "20", "python3", "-c", program]).output
            #expect(answer.hasPrefix("HTTP/1.1 101 "))
            #expect(answer.hasSuffix("\r\n\r\nhello early late\n"))
        }
    }

    @Test func servicesLeadToTheirPodsOnly() async throws {
        try await withBackend { setting in
            setting.server.addressBook.add("127.0.0.1", setting.address)
            let service = try await setting.server.send(
                .post, "/api/v1/namespaces/default/services",
                body: [
                    "apiVersion": "v1", "kind": "Service", "metadata": ["name": "site"],
                    "spec": ["ports": [["name": "web", "port": 80], ["name": "other", "port": 81]]],
                ])
            #expect(service.status == 201, "\(service.text)")
            #expect(
                try await setting.curl("/services/site:80/proxy/").contains("no endpoints available for service \\\"site:80\\\""))
            #expect(
                try await setting.curl("/services/site:99/proxy/").contains("no service port 99 found for service \\\"site\\\""))
            let cluster = try #require(try await setting.server.store.cluster("demo"))
            for (name, address) in [("good", "127.0.0.1"), ("bad", "127.0.0.2")] {
                // A client may not name these addresses.
                _ = try await cluster.commit([
                    .put(
                        try Draft([
                            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                            "metadata": [
                                "name": .string(name), "namespace": "default", "labels": ["kubernetes.io/service-name": "site"],
                            ],
                            "addressType": "IPv4",
                            "endpoints": [["addresses": [.string(address)], "conditions": ["ready": true]]],
                            "ports": [["name": "web", "port": .int(Int64(setting.port))]],
                        ]), at: Key(group: "discovery.k8s.io", plural: "endpointslices", namespace: "default", name: name))
                ])
            }
            for _ in 0..<8 {
                #expect(try await setting.curl("/services/site:80/proxy/x").hasPrefix("GET /x "))
                #expect(try await setting.curl("/services/http:site:web/proxy/x").hasPrefix("GET /x "))
            }
        }
    }

    @Test func nodesAnswerAboutThisClustersPods() async throws {
        try await withBackend { setting in
            let node = try await setting.server.send(
                .post, "/api/v1/nodes", body: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"]])
            #expect(node.status == 201, "\(node.text)")
            let proxy = "/api/v1/nodes/n:10250/proxy"
            #expect(try await setting.server.send(.get, proxy + "/healthz").text == "ok")
            let pods = try await setting.server.send(.get, proxy + "/pods").json
            #expect(pods["kind"]?.string == "PodList")
            #expect(pods["items"]?.elements.map { $0[path: "metadata", "name"]?.string } == ["web"])
            #expect(try await setting.server.send(.get, proxy + "/containerLogs/default/web/a").text == "one\ntwo\n")
            #expect(try await setting.server.send(.get, proxy + "/containerLogs/default/none/a").status == 404)
            #expect(try await setting.server.send(.get, proxy + "/etc/passwd").status == 404)
            #expect(try await setting.server.send(.get, "/api/v1/nodes/none/proxy/healthz").status == 404)
        }
    }
}
