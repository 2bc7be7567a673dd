import KubeObject
import KubeStore
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
