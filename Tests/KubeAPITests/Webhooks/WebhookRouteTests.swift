import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeAPI

@Suite("How webhooks are reached")
struct WebhookRouteTests {
    @Test(arguments: [
        ("https://hook.example/convert", "hook.example", 443, "/convert"), ("https://10.1.2.3:8443", "10.1.2.3", 8443, "/"),
        ("https://hook.example:1/a?b=c", "hook.example", 1, "/a?b=c"),
    ])
    func `URLs are taken apart`(url: String, host: String, port: Int, path: String) throws {
        let route = try WebhookRoute(url: url)
        #expect(route.host == host)
        #expect(route.port == port)
        #expect(route.connectPort == port)
        #expect(route.path == path)
        #expect(route.address == nil)
    }

    @Test(arguments: [
        "http://a/b", "https://", "https://a:b/", "https://a:0/", "https://a:70000", "https://u@a/", "https://[::1]/",
        "https://a/#f",
        "https://a/ b", "a", "", "https://a:1:2/",
    ])
    func `other URLs are refused`(url: String) {
        #expect(throws: WebhookFailure.self) { try WebhookRoute(url: url) }
    }

    private static let slice: JSON = [
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": [
            "name": "hook-1", "namespace": "default", "labels": ["kubernetes.io/service-name": "hook"],
        ],
        "ports": [["name": "other", "port": 1, "protocol": "TCP"], ["name": "https", "port": 8443, "protocol": "TCP"]],
        "endpoints": [
            ["addresses": ["10.244.0.5"], "conditions": ["ready": false]],
            ["addresses": ["10.244.0.6"], "conditions": ["ready": true]],
        ],
    ]

    private func route(_ name: String = "hook", port: Int = 443, path: String = "convert", in cluster: LogicalCluster) throws
        -> WebhookRoute
    {
        try WebhookRoute(namespace: "default", name: name, port: port, path: path, in: cluster.snapshot) { $0 - 1 }
    }

    @Test func `a service is reached at an endpoint that is ready`() async throws {
        try await TestServer.run { server in
            let cluster = try #require(try await server.store.cluster("demo"))
            func put(_ tree: JSON, _ group: String, _ plural: String, _ name: String) async throws {
                let key = Key(group: group, plural: plural, namespace: "default", name: name)
                _ = try await cluster.commit([.put(try Draft(tree), at: key)])
            }
            #expect(throws: WebhookFailure("service \"hook\" not found")) { try route(in: cluster) }
            try await put(
                [
                    "apiVersion": "v1", "kind": "Service", "metadata": ["name": "hook", "namespace": "default"],
                    "spec": ["ports": [["name": "https", "port": 443]]],
                ], "", "services", "hook")
            #expect(throws: WebhookFailure("no endpoints available for service \"hook\"")) { try route(in: cluster) }
            #expect(throws: WebhookFailure("no service port 80 found for service \"hook\"")) { try route(port: 80, in: cluster) }
            try await put(Self.slice, "discovery.k8s.io", "endpointslices", "hook-1")
            let found = try route(in: cluster)
            #expect(found.host == "hook.default.svc")
            #expect(found.port == 443)
            #expect(found.address == "10.244.0.6")
            #expect(found.connectPort == 8443)
            #expect(found.path == "/convert")
        }
    }

    @Test func `an address that the cluster's pods couldn't reach isn't connected to`() async throws {
        try await TestServer.run { server in
            let cluster = try #require(try await server.store.cluster("demo"))
            let client = HTTPSWebhookClient { _, _ in false }
            let request = WebhookRequest(
                target: WebhookTarget(.url("https://127.0.0.1:1/a")), cluster: cluster, body: [], timeout: .seconds(5),
                maximumAnswer: 10)
            await #expect(
                throws: WebhookFailure(
                    "Post \"https://127.0.0.1:1/a?timeout=5s\": dial tcp 127.0.0.1:1: connect: the address isn't one that this cluster's webhooks may have"
                )
            ) { try await client.post(request) }
        }
    }

    @Test func `a connection that is refused is told of as Go does`() async throws {
        try await TestServer.run { server in
            let cluster = try #require(try await server.store.cluster("demo"))
            let client = HTTPSWebhookClient { _, _ in true }
            let request = WebhookRequest(
                target: WebhookTarget(.url("https://127.0.0.1:1/a")), cluster: cluster, body: [], timeout: .seconds(20),
                maximumAnswer: 10)
            let failure = await #expect(throws: WebhookFailure.self) { try await client.post(request) }
            #expect(failure?.message.contains("connection refused") == true, "\(failure?.message ?? "")")
            await client.close()
        }
    }
}
