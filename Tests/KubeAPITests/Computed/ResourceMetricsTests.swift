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

    @Test func theNodesProxyTellsWhatKubeletWould() async throws {
        let counted = ResourceUsage.Counted(
            startTime: 1_767_225_000, processorNanoseconds: 2_500_000_000, usedMemory: 3 << 20, residentSet: 1 << 19,
            pageFaults: 7, majorPageFaults: 1)
        let usage = ResourceUsage(
            time: 1_767_225_600, window: 10,
            pods: ["default": ["web": [.init(name: "main", nanocores: 1_500_000, memory: 1 << 20, counted: counted)]]])
        let measure: @Sendable (LogicalCluster) async throws -> ResourceUsage = { _ in usage }
        try await run(measure) { server in
            let node: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"]]
            #expect(try await server.send(.post, "/api/v1/nodes", body: node).status == 201)
            let proxy = "/api/v1/nodes/n/proxy"
            #expect(try await server.send(.get, proxy + "/stats/summary").json["pods"] == [])
            let binding: JSON = ["target": ["kind": "Node", "name": "n"], "metadata": ["name": "web"]]
            #expect(try await server.send(.post, "/api/v1/namespaces/default/pods/web/binding", body: binding).status == 201)
            let summary = try await server.send(.get, proxy + "/stats/summary?only_cpu_and_memory=true").json
            let pod = try #require(summary["pods"]?[0])
            #expect(pod[path: "podRef", "name"] == "web" && pod[path: "podRef", "uid"]?.string?.isEmpty == false)
            let container = pod["containers"]?[0]
            #expect(container?["startTime"] == "2025-12-31T23:50:00Z")
            #expect(
                container?["cpu"]
                    == ["time": "2026-01-01T00:00:00Z", "usageNanoCores": 1_500_000, "usageCoreNanoSeconds": 2_500_000_000])
            #expect(
                container?["memory"] == [
                    "time": "2026-01-01T00:00:00Z", "usageBytes": 3_145_728, "workingSetBytes": 1_048_576, "rssBytes": 524_288,
                    "pageFaults": 7, "majorPageFaults": 1,
                ])
            #expect(pod["cpu"] == container?["cpu"] && summary[path: "node", "cpu"] == container?["cpu"])
            let page = try await server.send(.get, proxy + "/metrics/resource")
            #expect(page.headers[.contentType]?.hasPrefix("text/plain") == true)
            let wanted =
                "container_cpu_usage_seconds_total{container=\"main\",namespace=\"default\",pod=\"web\"} 2.5 1767225600000\n"
            #expect(page.text.contains(wanted), "\(page.text)")
            #expect(page.text.contains("\nnode_memory_working_set_bytes 1048576.0 1767225600000\n"), "\(page.text)")
            #expect(try await server.send(.put, proxy + "/stats/summary").status == 405)
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
