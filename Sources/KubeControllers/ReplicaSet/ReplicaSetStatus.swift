import KubeObject

/// A replica set's status, computed from its pods.
enum ReplicaSetStatus {
    /// - Parameters:
    ///   - failure: what went wrong when pods were created or deleted in this round, with upstream's reason
    ///     (`FailedCreate`, `FailedDelete`).
    static func make(_ set: Object, owned: [PodState], failure: (reason: String, message: String)?, now: Double) -> JSON {
        let active = owned.filter(\.isActive)
        let minReadySeconds = set.tree[path: "spec", "minReadySeconds"]?.int ?? 0
        let templateLabels = set.tree[path: "spec", "template", "metadata", "labels"]?.stringMap ?? [:]
        var status = set.tree["status"] ?? [:]
        status["replicas"] = .int(Int64(active.count))
        status.setCount(
            "fullyLabeledReplicas",
            active.count { pod in templateLabels.allSatisfy { pod.metadata.labels[$0.key] == $0.value } })
        status.setCount("readyReplicas", active.count(where: \.isReady))
        status.setCount("availableReplicas", active.count { $0.isAvailable(minReadySeconds: minReadySeconds, now: now) })
        status["terminatingReplicas"] = .int(Int64(owned.count { $0.isTerminating && !$0.isFinished }))
        status["observedGeneration"] = .int(set.metadata.generation)

        var conditions = [Condition](of: status)
        if let failure, conditions[type: "ReplicaFailure"] == nil {
            conditions.set(
                Condition(
                    "ReplicaFailure", .true, reason: failure.reason, message: failure.message,
                    lastTransitionTime: Timestamp.format(now)))
        } else if failure == nil {
            conditions.remove(type: "ReplicaFailure")
        }
        status["conditions"] = conditions.tree
        return status
    }
}

extension JSON {
    /// Writes a count as upstream's types do: zero is left out.
    mutating func setCount(_ key: String, _ count: Int) { self[key] = count == 0 ? nil : .int(Int64(count)) }
    mutating func setCount(_ key: String, _ count: Int64) { self[key] = count == 0 ? nil : .int(count) }
}
