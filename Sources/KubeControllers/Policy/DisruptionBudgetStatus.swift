import KubeObject

/// A pod disruption budget's status, computed from the pods it selects and what their controllers want.
/// Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
enum DisruptionBudgetStatus {
    /// How long an eviction that was allowed may take to show.
    static let evictionTimeout = 120.0

    /// - Parameters:
    ///   - pods: the pods that the budget selects.
    ///   - scale: how many pods the controllers of those want in all; nil when that can't be known.
    static func make(
        _ budget: Object, pods: [PodState], scale: Int64?, now: Double
    ) -> (status: JSON, secondsUntilNextLook: Double?) {
        let spec = budget.tree["spec"]
        let active = pods.filter(\.isActive)
        var status = budget.tree["status"] ?? [:]
        var expected = Int64(active.count)
        var desired: Int64 = 0
        var problem: String?
        if let maxUnavailable = IntOrPercent(spec?["maxUnavailable"]) {
            if let scale {
                expected = scale
                desired = max(0, scale - maxUnavailable.resolved(of: scale, roundingUp: true))
            } else {
                problem = "found no controller ref for a pod that the budget selects"
            }
        } else if let minAvailable = IntOrPercent(spec?["minAvailable"]) {
            switch minAvailable {
            case .count(let count): desired = count
            case .percent:
                if let scale {
                    expected = scale
                    desired = minAvailable.resolved(of: scale, roundingUp: true)
                } else {
                    problem = "found no controller ref for a pod that the budget selects"
                }
            }
        }

        // Pods whose eviction was allowed are as good as gone, until they are or the eviction seems to have failed.
        var disrupted: [String: String] = [:]
        var next: Double?
        for (name, time) in status["disruptedPods"]?.stringMap ?? [:] {
            guard let since = time.timestamp, pods.contains(where: { $0.name == name && !$0.isTerminating }) else { continue }
            let left = since + evictionTimeout - now
            if left > 0 {
                disrupted[name] = time
                next = min(next ?? left, left)
            }
        }
        let healthy = Int64(active.count { $0.isReady && disrupted[$0.name] == nil })
        let allowed = problem == nil && expected > 0 ? max(0, healthy - desired) : 0
        status["currentHealthy"] = .int(healthy)
        status["desiredHealthy"] = .int(desired)
        status["expectedPods"] = .int(expected)
        status["disruptionsAllowed"] = .int(allowed)
        status["observedGeneration"] = .int(budget.metadata.generation)
        status["disruptedPods"] = disrupted.isEmpty ? nil : JSON(disrupted)

        var conditions = [Condition](of: status)
        let condition: Condition
        let time = Timestamp.format(now)
        if let problem {
            condition = Condition(
                "DisruptionAllowed", .false, reason: "SyncFailed", message: problem, lastTransitionTime: time)
        } else {
            condition = Condition(
                "DisruptionAllowed", allowed > 0 ? .true : .false, reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
                lastTransitionTime: time)
        }
        conditions.update(condition)
        status["conditions"] = .array(
            conditions.map { condition in
                var tree = condition.tree
                // These are the newer conditions: the message is always there.
                tree["message"] = .string(condition.message)
                tree["observedGeneration"] = .int(budget.metadata.generation)
                return tree
            })
        return (status, next)
    }
}
