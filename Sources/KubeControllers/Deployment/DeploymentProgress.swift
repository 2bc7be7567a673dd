import KubeObject

/// The condition `Progressing`, by which `kubectl rollout status` and users learn whether a rollout moves, is done or is stuck.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
enum DeploymentProgress {
    static let type = "Progressing"
    static let available = "NewReplicaSetAvailable"
    static let updated = "ReplicaSetUpdated"
    static let timedOut = "ProgressDeadlineExceeded"
    static let paused = "DeploymentPaused"
    static let resumed = "DeploymentResumed"
    static let found = "FoundNewReplicaSet"
    static let created = "NewReplicaSetCreated"

    static func condition(_ status: Condition.Status, _ reason: String, _ message: String, now: Double) -> Condition {
        let time = Timestamp.format(now)
        return Condition(type, status, reason: reason, message: message, lastTransitionTime: time, lastUpdateTime: time)
    }

    /// Pausing stops the deadline's clock, resuming starts it anew.
    static func updatePaused(_ deployment: DeploymentView, _ conditions: inout [Condition], now: Double) {
        guard deployment.progressDeadlineSeconds != nil else { return }
        let current = conditions[type: type]
        if current?.reason == timedOut { return }
        let wasPaused = current?.reason == paused
        if deployment.isPaused, !wasPaused {
            conditions.set(condition(.unknown, paused, "Deployment is paused", now: now))
        } else if !deployment.isPaused, wasPaused {
            conditions.set(condition(.unknown, resumed, "Deployment is resumed", now: now))
        }
    }

    /// Brings `Progressing` and `ReplicaFailure` up to date with what the status says now.
    static func update(
        _ deployment: DeploymentView, new: ReplicaSetView?, all: [ReplicaSetView], status: JSON, _ conditions: inout [Condition],
        now: Double
    ) {
        if deployment.progressDeadlineSeconds == nil {
            conditions.remove(type: type)
        } else {
            let current = conditions[type: type]
            let wasComplete =
                status["replicas"]?.int ?? 0 == status["updatedReplicas"]?.int ?? 0 && current?.reason == available
            if !wasComplete { advance(deployment, new: new, status: status, &conditions, now: now) }
        }
        // A failure of the newest set matters most.
        let failed = ([new].compactMap { $0 } + all).lazy.compactMap { set in
            Condition.find("ReplicaFailure", in: set.object.tree["status"])
        }.first
        if var failed {
            failed.lastUpdateTime = failed.lastTransitionTime
            conditions.set(failed)
        } else {
            conditions.remove(type: "ReplicaFailure")
        }
    }

    private static func advance(
        _ deployment: DeploymentView, new: ReplicaSetView?, status: JSON, _ conditions: inout [Condition], now: Double
    ) {
        let subject = new.map { "ReplicaSet \"\($0.name)\"" } ?? "Deployment \"\(deployment.name)\""
        if DeploymentStatus.isComplete(deployment, status) {
            conditions.set(condition(.true, available, "\(subject) has successfully progressed.", now: now))
        } else if hasMoved(from: deployment.status, to: status) {
            var progressing = condition(.true, updated, "\(subject) is progressing.", now: now)
            if let current = conditions[type: type], current.status == .true {
                progressing.lastTransitionTime = current.lastTransitionTime
            }
            // Every movement starts the deadline's clock anew, so this one is replaced even though its reason stays.
            conditions.remove(type: type)
            conditions.append(progressing)
        } else if isTimedOut(deployment, conditions[type: type], now: now) {
            conditions.set(condition(.false, timedOut, "\(subject) has timed out progressing.", now: now))
        }
    }

    private static func hasMoved(from old: JSON?, to new: JSON) -> Bool {
        func count(_ status: JSON?, _ key: String) -> Int64 { status?[key]?.int ?? 0 }
        func outdated(_ status: JSON?) -> Int64 { count(status, "replicas") - count(status, "updatedReplicas") }
        return count(new, "updatedReplicas") > count(old, "updatedReplicas") || outdated(new) < outdated(old)
            || count(new, "readyReplicas") > count(old, "readyReplicas")
            || count(new, "availableReplicas") > count(old, "availableReplicas")
    }

    static func isTimedOut(_ deployment: DeploymentView, _ current: Condition?, now: Double) -> Bool {
        guard let deadline = deployment.progressDeadlineSeconds, let current else { return false }
        if current.reason == available { return false }
        if current.reason == timedOut { return true }
        guard let since = current.lastUpdateTime.flatMap({ Timestamp.parse($0) }) else { return false }
        return since + Double(deadline) < now
    }

    /// When to look again whether the deadline has passed; nil when nothing is under way.
    static func secondsUntilDeadline(_ deployment: DeploymentView, status: JSON, _ conditions: [Condition], now: Double)
        -> Double?
    {
        guard let deadline = deployment.progressDeadlineSeconds, let current = conditions[type: type] else { return nil }
        if DeploymentStatus.isComplete(deployment, status) || current.reason == timedOut || current.reason == paused {
            return nil
        }
        guard let since = current.lastUpdateTime.flatMap({ Timestamp.parse($0) }) else { return nil }
        // Times are written in whole seconds; one more makes sure that the deadline has passed then.
        return max(1, since + Double(deadline) - now + 1)
    }
}
