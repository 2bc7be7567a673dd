import Crypto
import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import SwiftASN1
import TestPrograms
import Testing
import X509

@testable import KubeAPI

/// Over real sockets: kubectl, the server, and an extension API server of Python's in the place of a pod.
@Suite(.enabled(if: hasProgram("kubectl") && hasProgram("python3"))) struct AggregationTests {
    private static let program = """
        import http.server, json, ssl, sys
        folder = sys.argv[1]
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def send(self, tree):
                text = json.dumps(tree).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            def do_GET(self):
                path = self.path.split("?")[0]
                peer = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
                if path == "/apis/fruit.example.com/v1":
                    self.send({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "fruit.example.com/v1", "resources": [
                        {"name": "apples", "singularName": "apple", "namespaced": True, "kind": "Apple", "verbs": ["get", "list", "watch"], "shortNames": ["ap"]}]})
                elif path == "/openapi/v3":
                    self.send({"paths": {
                        "apis/fruit.example.com/v1": {"serverRelativeURL": "/openapi/v3/apis/fruit.example.com/v1?hash=FRUIT"},
                        "apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=STOLEN"}}})
                elif path == "/openapi/v3/apis/fruit.example.com/v1":
                    self.send({"openapi": "3.0.0", "info": {"title": "fruit", "version": "1"}, "paths": {
                        "/apis/fruit.example.com/v1/apples": {"get": {"responses": {}, "x-kubernetes-action": "list",
                            "x-kubernetes-group-version-kind": {"group": "fruit.example.com", "version": "v1", "kind": "Apple"}}}},
                        "components": {"schemas": {"com.example.fruit.v1.Apple": {"type": "object", "description": "An apple a day.",
                            "properties": {"taste": {"type": "string", "description": "How it tastes."}},
                            "x-kubernetes-group-version-kind": [{"group": "fruit.example.com", "version": "v1", "kind": "Apple"}]}}}})
                elif path == "/openapi/v2":
                    operation = {"operationId": "listApples", "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/com.example.fruit.v1.Apple"}}}}
                    self.send({"swagger": "2.0", "info": {"title": "fruit", "version": "1"}, "paths": {
                        "/apis/fruit.example.com/v1/apples": {"get": operation}, "/apis/apps/v1/deployments": {"get": operation},
                        "/apis/": {"get": operation}},
                        "definitions": {"com.example.fruit.v1.Apple": {"type": "object", "description": "An apple a day.",
                            "properties": {"taste": {"type": "string", "description": "How it tastes."},
                                "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}},
                            "x-kubernetes-group-version-kind": [{"group": "fruit.example.com", "version": "v1", "kind": "Apple"}]},
                            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"type": "object", "description": "Another one."},
                            "unused": {"type": "string"}}})
                elif "watch=true" in self.path:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for number in range(3):
                        line = json.dumps({"type": "ADDED", "object": {"kind": "Apple", "metadata": {"name": str(number)}}}).encode() + b"\\n"
                        self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(line), line))
                    self.wfile.write(b"0\\r\\n\\r\\n")
                elif path.endswith("/apples/one"):
                    self.send({"kind": "Apple", "apiVersion": "fruit.example.com/v1", "metadata": {"name": "one", "namespace": "default", "annotations": {
                        "user": self.headers.get("X-Remote-User"), "groups": ",".join(self.headers.get_all("X-Remote-Group") or []),
                        "peer": peer["commonName"], "authorization": str(self.headers.get("Authorization")), "path": self.path}}})
                else:
                    self.send({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})
            def log_message(self, *rest): pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + "/server.crt", folder + "/server.key")
        context.load_verify_locations(folder + "/front-proxy.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    @Test func requestsReachTheirServer() async throws {
        try await withListeningServer { kubeconfig, server in
            let folder = URL(fileURLWithPath: kubeconfig).deletingLastPathComponent().path
            let cluster = try #require(try await server.store.cluster("demo"))
            let identity = try ClusterIdentity(record: cluster.record)
            let map = try FrontProxy.configMap(identity)
            // The authority from the config map, made another time than the certificate that is verified by it.
            try map["data"]?["requestheader-client-ca-file"]?.string?.write(
                toFile: folder + "/front-proxy.crt", atomically: true, encoding: .utf8)
            let authority = try CertificateAuthority.generate(commonName: "fruit")
            let issued = try authority.issue(
                .init(commonName: "fruit", names: [.dnsName("fruit.default.svc")], usage: .serverAuth, lifetime: 3600))
            try issued.certificatePEM().write(toFile: folder + "/server.crt", atomically: true, encoding: .utf8)
            try issued.keyPEM.write(toFile: folder + "/server.key", atomically: true, encoding: .utf8)
            let python = try TestProgram.start(["python3", "-c", Self.program, folder])
            defer { python.killAndWait() }
            let line = String(decoding: python.output.availableData, as: UTF8.self)
            let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))

            server.addressBook.add(
                "127.0.0.1", PodAddress(cluster: cluster.id, namespace: "default", name: "fruit", uid: "u"))
            // A client may not name this address.
            _ = try await cluster.commit([
                .put(
                    try Draft([
                        "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
                        "metadata": [
                            "name": "fruit", "namespace": "default", "labels": ["kubernetes.io/service-name": "fruit"],
                        ],
                        "endpoints": [["addresses": ["127.0.0.1"]]], "ports": [["name": "", "port": .int(Int64(port))]],
                    ]), at: Key(group: "discovery.k8s.io", plural: "endpointslices", namespace: "default", name: "fruit"))
            ])
            let bundle = Data(try authority.pem().utf8).base64EncodedString()
            for (path, body) in [
                (
                    "/api/v1/namespaces/default/services",
                    ["kind": "Service", "apiVersion": "v1", "metadata": ["name": "fruit"], "spec": ["ports": [["port": 443]]]]
                ),
                (
                    "/apis/apiregistration.k8s.io/v1/apiservices",
                    [
                        "kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1",
                        "metadata": ["name": "v1.fruit.example.com"],
                        "spec": [
                            "group": "fruit.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                            "caBundle": .string(bundle), "service": ["name": "fruit", "namespace": "default"],
                        ],
                    ]
                ),
            ] as [(String, JSON)] {
                let created = try await server.send(.post, path, body: body)
                #expect(created.status == 201, "\(created.text)")
            }
            let early = try await server.send(.get, "/apis/fruit.example.com/v1/namespaces/default/apples/one")
            #expect(early.status == 503)
            #expect(early.text == "service unavailable\n")

            let key = Key(group: "apiregistration.k8s.io", plural: "apiservices", name: "v1.fruit.example.com")
            let object = try #require(cluster.snapshot.get(key))
            #expect(await server.aggregator.probe(object, in: cluster) == nil)
            let available = try await server.send(
                .patch, "/apis/apiregistration.k8s.io/v1/apiservices/v1.fruit.example.com/status",
                raw: #"{"status":{"conditions":[{"type":"Available","status":"True"}]}}"#,
                headers: [.contentType: "application/merge-patch+json"])
            #expect(available.status == 200, "\(available.text)")

            func kubectl(_ arguments: String...) async throws -> String {
                try await runProgram(["kubectl", "--kubeconfig", kubeconfig, "--cache-dir", folder + "/cache"] + arguments).output
            }
            let apple = try JSON(parsing: Array(try await kubectl("get", "ap", "one", "-o", "json").utf8))
            let notes = apple[path: "metadata", "annotations"] ?? [:]
            #expect(notes["user"] == "admin")
            #expect(notes["groups"]?.string?.contains("system:masters") == true)
            #expect(notes["peer"] == "front-proxy-client")
            #expect(notes["authorization"] == "None")
            #expect(notes["path"]?.string?.hasPrefix("/apis/fruit.example.com/v1/namespaces/default/apples/one") == true)
            #expect(try await kubectl("api-resources", "--api-group=fruit.example.com").contains("fruit.example.com/v1"))
            let watch = try await kubectl("get", "--raw", "/apis/fruit.example.com/v1/apples?watch=true")
            #expect(watch.split(separator: "\n").count == 3)
            #expect(try await server.send(.get, "/apis/fruit.example.com").json["versions"]?[0]?["version"] == "v1")
            #expect(try await server.send(.get, "/apis").text.contains("fruit.example.com"))

            let index = try await server.send(.get, "/openapi/v3").json["paths"]?.object ?? [:]
            #expect(
                index["apis/fruit.example.com/v1"]?["serverRelativeURL"] == "/openapi/v3/apis/fruit.example.com/v1?hash=FRUIT")
            #expect(index["apis/apps/v1"]?["serverRelativeURL"]?.string?.contains("STOLEN") == false)
            let explained = try await kubectl("explain", "apples.taste", "--api-version=fruit.example.com/v1")
            #expect(explained.contains("How it tastes."), "\(explained)")

            let merged = try await server.send(.get, "/openapi/v2").json
            let fruit = merged[path: "definitions", "com.example.fruit.v1.Apple"]
            #expect(fruit?[path: "properties", "taste", "description"] == "How it tastes.")
            // The name was taken by another definition.
            let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
            #expect(fruit?[path: "properties", "metadata", "$ref"] == .string("#/definitions/\(meta)_v2"))
            #expect(merged[path: "definitions", meta + "_v2", "description"] == "Another one.")
            #expect(merged[path: "definitions", meta, "properties"] != nil)
            #expect(merged[path: "definitions", "unused"] == nil)
            #expect(merged[path: "paths", "/apis/fruit.example.com/v1/apples"] != nil)
            #expect(merged[path: "paths", "/apis/apps/v1/deployments", "get", "operationId"] != "listApples")
            #expect(merged[path: "paths", "/apis/", "get", "operationId"] != "listApples")
            let packed = try await server.send(
                .get, "/openapi/v2",
                headers: [.accept: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"])
            #expect(packed.bytes.firstRange(of: Array("How it tastes.".utf8)) != nil)

            // Another certificate than the bundle vouches for isn't believed.
            let other = Data(try CertificateAuthority.generate(commonName: "other").pem().utf8).base64EncodedString()
            let changed = try await server.send(
                .patch, "/apis/apiregistration.k8s.io/v1/apiservices/v1.fruit.example.com",
                raw: #"{"spec":{"caBundle":"\#(other)"}}"#, headers: [.contentType: "application/merge-patch+json"])
            #expect(changed.status == 200, "\(changed.text)")
            let refused = try await kubectl("get", "--raw", "/apis/fruit.example.com/v1/namespaces/default/apples/one")
            #expect(refused.contains("the server is currently unable to handle the request"), "\(refused)")
        }
    }
}
