import KubeObject

/// A deployment's status, computed from its replica sets.
enum DeploymentStatus {
    /// Everything but `Progressing` and `ReplicaFailure`, which `DeploymentProgress` sets.
    /// - Parameter conditions: the conditions so far.
    static func make(
        _ deployment: DeploymentView, new: ReplicaSetView?, all: [ReplicaSetView], conditions: [Condition], now: Double
    ) -> (counts: JSON, conditions: [Condition]) {
        let available = all.reduce(0) { $0 + $1.available }
        let total = all.reduce(0) { $0 + $1.desired }
        var status = deployment.status ?? [:]
        status["observedGeneration"] = .int(deployment.metadata.generation)
        status.setCount("replicas", all.reduce(0) { $0 + $1.actual })
        status.setCount("updatedReplicas", new?.actual ?? 0)
        status.setCount("readyReplicas", all.reduce(0) { $0 + $1.ready })
        status.setCount("availableReplicas", available)
        status.setCount("unavailableReplicas", max(0, total - available))
        status["terminatingReplicas"] = .int(all.reduce(0) { $0 + $1.terminating })

        var conditions = conditions
        let time = Timestamp.format(now)
        if available >= deployment.replicas - deployment.maxUnavailable {
            conditions.set(
                Condition(
                    "Available", .true, reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability.",
                    lastTransitionTime: time, lastUpdateTime: time))
        } else {
            conditions.set(
                Condition(
                    "Available", .false, reason: "MinimumReplicasUnavailable",
                    message: "Deployment does not have minimum availability.", lastTransitionTime: time, lastUpdateTime: time))
        }
        return (status, conditions)
    }

    /// Whether every pod is of the newest template and available, and no other is left.
    static func isComplete(_ deployment: DeploymentView, _ status: JSON?) -> Bool {
        status?["updatedReplicas"]?.int ?? 0 == deployment.replicas && status?["replicas"]?.int ?? 0 == deployment.replicas
            && status?["availableReplicas"]?.int ?? 0 == deployment.replicas
            && status?["observedGeneration"]?.int ?? 0 >= deployment.metadata.generation
    }
}
