import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeControllers

@Suite(.serialized) struct WorkloadTests {
    @Test func aDeploymentComesUpScalesRollsGoesBackAndGoes() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(cluster.deployment(replicas: 3), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 3) }
            #expect(cluster.list(Resources.nodes, namespace: "").map(\.metadata.name) == ["node-1"])
            #expect(cluster.list(Resources.pods).count == 3)
            var deployment = try #require(cluster.get(Resources.deployments, "web"))
            #expect(deployment.tree[path: "metadata", "annotations", "deployment.kubernetes.io/revision"] == "1")
            #expect(Condition.find("Progressing", in: deployment.tree["status"])?.reason == "NewReplicaSetAvailable")
            #expect(Condition.find("Available", in: deployment.tree["status"])?.status == .true)

            try await cluster.change(Resources.deployments, "web") { $0[path: "spec", "replicas"] = 5 }
            try await eventually { cluster.isRolledOut(replicas: 5) }
            #expect(cluster.list(Resources.replicaSets).count == 1)

            try await cluster.change(Resources.deployments, "web") {
                $0[path: "spec", "template", "spec", "containers"]?[0]?["image"] = "web:2"
            }
            try await eventually { cluster.isRolledOut(replicas: 5) }
            #expect(cluster.list(Resources.replicaSets).count == 2)
            #expect(
                cluster.list(Resources.pods).allSatisfy { $0.tree[path: "spec", "containers"]?[0]?["image"] == "web:2" })

            // As `kubectl rollout undo` does it.
            let first = try #require(
                cluster.list(Resources.replicaSets).first {
                    $0.tree[path: "metadata", "annotations", "deployment.kubernetes.io/revision"] == "1"
                })
            var template = try #require(first.tree[path: "spec", "template"])
            template[path: "metadata", "labels", "pod-template-hash"] = nil
            let old = template
            try await cluster.change(Resources.deployments, "web") { $0[path: "spec", "template"] = old }
            try await eventually { cluster.isRolledOut(replicas: 5) }
            deployment = try #require(cluster.get(Resources.deployments, "web"))
            #expect(deployment.tree[path: "metadata", "annotations", "deployment.kubernetes.io/revision"] == "3")
            #expect(cluster.list(Resources.replicaSets).count == 2)

            try await cluster.delete(Resources.deployments, "web", policy: .background)
            try await eventually { cluster.list(Resources.replicaSets).isEmpty && cluster.list(Resources.pods).isEmpty }
            let reasons = Set(cluster.list(Resources.events).compactMap { $0.tree["reason"]?.string })
            #expect(reasons.isSuperset(of: ["ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete", "Scheduled"]))
        }
    }

    @Test func aDeletedPodIsReplaced() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(cluster.deployment(replicas: 2), Resources.deployments)
            try await eventually { cluster.isRolledOut(replicas: 2) }
            let pod = try #require(cluster.list(Resources.pods).first)
            try await cluster.delete(Resources.pods, pod.metadata.name)
            try await eventually {
                let pods = cluster.list(Resources.pods)
                return pods.count == 2 && !pods.contains { $0.metadata.uid == pod.metadata.uid }
                    && cluster.isRolledOut(replicas: 2)
            }
        }
    }

    @Test func aRestartInTheMiddleEndsTheSame() async throws {
        try await Fixture.run(controllers: false) { cluster in
            try await cluster.create(cluster.deployment(replicas: 20), Resources.deployments)
            for _ in 0..<6 {
                try await cluster.withControllers { _ in try await Task.sleep(for: .milliseconds(15)) }
            }
            try await cluster.withControllers { _ in try await eventually { cluster.isRolledOut(replicas: 20) } }
            #expect(cluster.list(Resources.pods).count == 20)
            #expect(cluster.list(Resources.replicaSets).count == 1)
        }
    }

    @Test func atRestNothingIsWritten() async throws {
        try await Fixture.run(controllers: false) { cluster in
            try await cluster.withControllers { manager in
                try await cluster.create(cluster.deployment(replicas: 3), Resources.deployments)
                try await eventually { cluster.isRolledOut(replicas: 3) && manager.isIdle }
                try await Task.sleep(for: .milliseconds(100))
                try await eventually { manager.isIdle }
                let revision = cluster.cluster.revision
                try await Task.sleep(for: .milliseconds(300))
                #expect(cluster.cluster.revision == revision)
            }
            let revision = cluster.cluster.revision
            // Neither does a restart write anything.
            try await cluster.withControllers { manager in
                try await Task.sleep(for: .milliseconds(300))
                try await eventually { manager.isIdle }
            }
            #expect(cluster.cluster.revision == revision)
        }
    }

    @Test func aJobRunsToItsEndAndIsCountedOnce() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                [
                    "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "sum"],
                    "spec": [
                        "completions": 5, "parallelism": 2,
                        "template": [
                            "metadata": ["annotations": ["test/ends": "Succeeded"]],
                            "spec": ["restartPolicy": "Never", "containers": [["name": "a", "image": "a"]]],
                        ],
                    ],
                ], Resources.jobs)
            try await eventually {
                Condition.find("Complete", in: cluster.get(Resources.jobs, "sum")?.tree["status"])?.status == .true
            }
            let status = try #require(cluster.get(Resources.jobs, "sum")?.tree["status"])
            #expect(status["succeeded"] == 5)
            #expect(status["active"] == nil)
            #expect(status["completionTime"] != nil)
            #expect(status["uncountedTerminatedPods"]?.object?.isEmpty ?? true)
            #expect(cluster.list(Resources.pods).count == 5)
            #expect(cluster.list(Resources.pods).allSatisfy { $0.metadata.finalizers.isEmpty })
            try await cluster.delete(Resources.jobs, "sum", policy: .background)
            try await eventually { cluster.list(Resources.pods).isEmpty }
        }
    }
}
