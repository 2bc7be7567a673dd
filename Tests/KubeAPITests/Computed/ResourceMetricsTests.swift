import HTTPTypes
import KubeObject
import KubeStore
import Testing

@testable import KubeAPI

@Suite struct ResourceMetricsTests {
    private static let usage = ResourceUsage(
        time: 1_767_225_600, window: 10.25,
        pods: [
            "default": [
                "web": [
                    .init(name: "side", nanocores: 5, memory: 2048), .init(name: "main", nanocores: 1_500_000, memory: 1 << 20),
                ],
                "gone": [.init(name: "main", nanocores: 7, memory: 1024)],
            ]
        ])

    private func run(
        _ measure: @escaping @Sendable (LogicalCluster) async throws -> ResourceUsage = { _ in usage },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(metrics: ResourceMetrics(usage: measure)) { server in
            for name in ["web", "unmeasured"] {
                let pod: JSON = [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": ["app": .string(name)]],
                    "spec": ["containers": [["name": "main", "image": "x"]]],
                ]
                _ = try await server.send(.post, "/api/v1/namespaces/default/pods", body: pod)
            }
            try await body(server)
        }
    }

    @Test func podsThatAreThereAndMeasuredAreListed() async throws {
        try await run { server in
            let path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
            let list = try await server.send(.get, path)
            #expect(list.json["kind"] == "PodMetricsList")
            #expect(list.json["items"]?.elements.map { $0[path: "metadata", "name"] } == ["web"])
            let one = try await server.send(.get, path + "/web")
            #expect(one.json["kind"] == "PodMetrics" && one.json["timestamp"] == "2026-01-01T00:00:00Z")
            #expect(one.json["window"] == "10250ms")
            #expect(
                one.json["containers"] == [
                    ["name": "main", "usage": ["cpu": "1500000n", "memory": "1024Ki"]],
                    ["name": "side", "usage": ["cpu": "5n", "memory": "2Ki"]],
                ])
            for name in ["unmeasured", "gone"] {
                let missing = try await server.send(.get, path + "/\(name)")
                #expect(missing.status == 404)
                #expect(missing.message == "pods.metrics.k8s.io \"\(name)\" not found")
            }
            let chosen = try await server.send(.get, path + "?labelSelector=app%3Dother")
            #expect(chosen.json["items"] == [])
            #expect(try await server.send(.get, path + "?labelSelector=a%3D%3D%3D").status == 400)
            #expect(try await server.send(.post, path, body: ["kind": "PodMetrics"]).status == 405)
            #expect(try await server.send(.get, path, anonymous: true).status == 403)
        }
    }

    @Test func theGroupIsDiscoveredAndDoesNotTakePodsName() async throws {
        try await run { server in
            let found = try await server.send(.get, "/apis/metrics.k8s.io/v1beta1")
            #expect(found.json["resources"]?.elements.map { $0["name"] } == ["nodes", "pods"])
            #expect(try await server.send(.get, "/api/v1/namespaces/default/pods/web").json["kind"] == "Pod")
        }
    }

    @Test func whatCannotBeMeasuredIsSaid() async throws {
        let broken: @Sendable (LogicalCluster) async throws -> ResourceUsage = { _ in throw StatusError.internalError("no engine")
        }
        try await run(broken) { server in
            let answer = try await server.send(.get, "/apis/metrics.k8s.io/v1beta1/nodes")
            #expect(answer.status == 503)
            #expect(answer.message.contains("the machine's containers can't be measured now"))
        }
    }
}
