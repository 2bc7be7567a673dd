import KubeObject
import KubeStore
import Synchronization
import Testing

@testable import KubeControllers

@Suite(.serialized) struct AutoscalingTests {
    static let scaler: JSON = [
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
        "spec": [
            "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "minReplicas": 1, "maxReplicas": 5,
            "metrics": [
                ["type": "Resource", "resource": ["name": "memory", "target": ["type": "AverageValue", "averageValue": "100"]]]
            ],
        ],
    ]

    func scaler(_ cluster: Fixture) -> JSON? { cluster.get(Resources.horizontalPodAutoscalers, "web")?.tree["status"] }

    @Test func withoutMetricsItSaysSo() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 2) }
            try await cluster.create(Self.scaler, Resources.horizontalPodAutoscalers)
            try await eventually { Condition.find("ScalingActive", in: scaler(cluster))?.reason == "FailedGetResourceMetric" }
            #expect(Condition.find("AbleToScale", in: scaler(cluster))?.reason == "SucceededGetScale")
            #expect(scaler(cluster)?["currentReplicas"] == 2)
        }
    }

    static func scaler(_ metrics: JSON, kind: String = "Deployment", version: String = "apps/v1") -> JSON {
        var tree = scaler
        tree[path: "spec", "scaleTargetRef"] = ["apiVersion": .string(version), "kind": .string(kind), "name": "web"]
        tree[path: "spec", "metrics"] = metrics
        return tree
    }

    static let queue: JSON = [
        [
            "type": "External",
            "external": ["metric": ["name": "queue"], "target": ["type": "AverageValue", "averageValue": "10"]],
        ]
    ]

    @Test func serversOfTheClusterAreAsked() async throws {
        let servers = PretendServers(["queue": "40"])
        try await Fixture.run(metricsAPI: servers) { cluster in
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 2) }
            #expect(servers.asked.isEmpty)
            try await cluster.create(Self.scaler(Self.queue), Resources.horizontalPodAutoscalers)
            try await eventually { cluster.isRolledOut(replicas: 4) }
            #expect(servers.asked.first == "external.metrics.k8s.io/v1beta1/namespaces/default/queue")
            #expect(scaler(cluster)?["currentMetrics"]?.elements.first?[path: "external", "current", "averageValue"] == "20")
        }
    }

    @Test func aMetricThatCannotBeHadIsToldOf() async throws {
        let servers = PretendServers([:])
        try await Fixture.run(metricsAPI: servers) { cluster in
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 2) }
            try await cluster.create(Self.scaler(Self.queue), Resources.horizontalPodAutoscalers)
            try await eventually { Condition.find("ScalingActive", in: scaler(cluster))?.reason == "FailedGetExternalMetric" }
            #expect(
                Condition.find("ScalingActive", in: scaler(cluster))?.message
                    == "the HPA was unable to compute the replica count: unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)"
            )
            #expect(scaler(cluster)?["desiredReplicas"] == 0)
            // A client finds a metric's status by its place.
            #expect(scaler(cluster)?["currentMetrics"]?.elements.count == 1)
        }
    }

    @Test(arguments: [
        ("apps/v1", "Deployment", "deployments/scale.apps \"web\" not found"),
        ("example.com/v1", "Nothing", "no matches for kind \"Nothing\" in group \"example.com\""),
        ("v1", "Pod", "the server could not find the requested resource"),
        ("v1", "Node", "the server could not find the requested resource"),
    ])
    func aTargetWithoutAScaleIsToldOf(version: String, kind: String, message: String) async throws {
        try await Fixture.run { cluster in
            try await cluster.create(Self.scaler(Self.queue, kind: kind, version: version), Resources.horizontalPodAutoscalers)
            try await eventually { Condition.find("AbleToScale", in: scaler(cluster))?.reason == "FailedGetScale" }
            #expect(
                Condition.find("AbleToScale", in: scaler(cluster))?.message
                    == "the HPA controller was unable to get the target's current scale: \(message)")
        }
    }

    @Test func withMetricsItFollowsThem() async throws {
        try await Fixture.run(metrics: BusyPods()) { cluster in
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 2) }
            try await cluster.create(Self.scaler, Resources.horizontalPodAutoscalers)
            try await eventually { cluster.isRolledOut(replicas: 5) }
            #expect(scaler(cluster)?["desiredReplicas"] == 5)
            #expect(Condition.find("ScalingLimited", in: scaler(cluster))?.reason == "TooManyReplicas")
        }
    }
}

/// Every pod uses four times what it should.
private struct BusyPods: MetricsSource {
    func usage(cluster: Int64, namespace: String, pod: String) async -> PodUsage? {
        PodUsage(containers: ["web": ["memory": 400]])
    }
}

/// A metrics server that has values of external metrics.
private final class PretendServers: MetricsAPI {
    private let values: [String: String]
    private let paths = Mutex<[String]>([])

    init(_ values: [String: String]) { self.values = values }

    var asked: [String] { paths.withLock { $0 } }

    func versions(of group: String, in cluster: LogicalCluster) -> [String] { ["v1beta1"] }

    func document(_ request: MetricsDocument, in cluster: LogicalCluster) async throws(MetricsAPIFailure) -> JSON {
        paths.withLock { $0.append("\(request.group)/\(request.version)\(request.path)") }
        guard let value = values[request.resource] else { throw request.refusal(404) }
        return ["items": [["value": .string(value)]]]
    }
}
