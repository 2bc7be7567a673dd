import KubeObject

/// The next step of a stateful set, decided from the set and its pods.
///
/// Ordered sets take one step at a time: each pod must be ready before the next is made, and the highest goes first. Parallel
/// sets make and delete at once. A rolling update replaces pods from the highest ordinal down to the partition.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
struct StatefulSetPlan {
    /// The ordinals to make pods for, with the name of each one's revision.
    var create: [(ordinal: Int, revision: String)] = []
    /// Pods to delete; `isReplaced` for those that came to their end and are made anew.
    var delete: [(pod: Metadata, isReplaced: Bool)] = []
    var status: JSON
    var secondsUntilNextLook: Double?

    /// - Parameters:
    ///   - updateRevision: the name of the revision of the newest template.
    init(_ set: StatefulSetView, pods: [StatefulPod], updateRevision: String, now: Double) {
        let currentRevision = set.currentRevision ?? updateRevision
        var byOrdinal: [Int: StatefulPod] = [:]
        var condemned: [StatefulPod] = []
        for pod in pods {
            if set.ordinals.contains(pod.ordinal), byOrdinal[pod.ordinal] == nil {
                byOrdinal[pod.ordinal] = pod
            } else {
                condemned.append(pod)
            }
        }
        condemned.sort { $0.ordinal > $1.ordinal }
        status = set.status
        secondsUntilNextLook =
            pods.compactMap { $0.state.secondsUntilAvailable(minReadySeconds: set.minReadySeconds, now: now) }.min()

        if set.object.metadata.deletionTimestamp == nil {
            var step = StatefulSetStep(
                set: set, byOrdinal: byOrdinal, condemned: condemned, current: currentRevision, update: updateRevision, now: now)
            step.run()
            create = step.create
            delete = step.delete
        }
        writeStatus(set, pods: pods, current: currentRevision, update: updateRevision, now: now)
    }

    private mutating func writeStatus(
        _ set: StatefulSetView, pods: [StatefulPod], current: String, update: String, now: Double
    ) {
        let alive = pods.filter { !$0.state.isTerminating }
        let ready = pods.count { $0.isRunningAndReady }
        status["replicas"] = .int(Int64(pods.count))
        status.setCount("readyReplicas", ready)
        status["availableReplicas"] = .int(
            Int64(
                pods.count { $0.state.phase == .running && $0.state.isAvailable(minReadySeconds: set.minReadySeconds, now: now) })
        )
        let updated = alive.count { $0.revision == update }
        status.setCount("updatedReplicas", updated)
        status.setCount("currentReplicas", alive.count { $0.revision == current })
        status["currentRevision"] = .string(current)
        status["updateRevision"] = .string(update)
        status["observedGeneration"] = .int(set.object.metadata.generation)
        status["collisionCount"] = .int(set.status["collisionCount"]?.int ?? 0)
        let isDone = updated == set.replicas && ready == set.replicas && pods.count == set.replicas
        if set.isRolling, isDone {
            status["currentRevision"] = .string(update)
            status.setCount("currentReplicas", updated)
        }
    }
}

/// The working state of one plan.
private struct StatefulSetStep {
    let set: StatefulSetView
    let byOrdinal: [Int: StatefulPod]
    let condemned: [StatefulPod]
    let current: String
    let update: String
    let now: Double
    var create: [(ordinal: Int, revision: String)] = []
    var delete: [(pod: Metadata, isReplaced: Bool)] = []

    mutating func run() {
        guard fillUp(), shrink(), set.isRolling else { return }
        roll()
    }

    /// - Returns: whether to go on; false while an ordered set waits for a pod.
    private mutating func fillUp() -> Bool {
        for ordinal in set.ordinals {
            guard let pod = byOrdinal[ordinal] else {
                create.append((ordinal, revision(for: ordinal)))
                if set.isOrdered { return false }
                continue
            }
            if pod.state.isFinished {
                if !pod.state.isTerminating { delete.append((pod.state.metadata, true)) }
                if set.isOrdered { return false }
            } else if set.isOrdered, pod.state.isTerminating || !isAvailable(pod) {
                return false
            }
        }
        return true
    }

    private mutating func shrink() -> Bool {
        let unhealthy = condemned.last { !$0.isRunningAndReady || $0.state.isTerminating }
        for pod in condemned {
            if pod.state.isTerminating {
                if set.isOrdered { return false }
                continue
            }
            if set.isOrdered, !pod.isRunningAndReady, pod.state.metadata.uid != unhealthy?.state.metadata.uid { return false }
            delete.append((pod.state.metadata, false))
            if set.isOrdered { return false }
        }
        return true
    }

    private mutating func roll() {
        var unavailable = byOrdinal.values.count { !isAvailable($0) || $0.state.isTerminating }
        unavailable += set.replicas - byOrdinal.count
        for ordinal in set.ordinals.reversed() where ordinal >= set.ordinals.lowerBound + set.partition {
            guard let pod = byOrdinal[ordinal] else { continue }
            if pod.revision != update, !pod.state.isTerminating {
                let isHealthy = isAvailable(pod)
                // A pod that is down anyway costs nothing to replace.
                guard !isHealthy || unavailable < set.maxUnavailable else { return }
                delete.append((pod.state.metadata, false))
                if isHealthy { unavailable += 1 }
                if set.maxUnavailable == 1 { return }
            } else if !isAvailable(pod), set.maxUnavailable == 1 {
                return
            }
        }
    }

    private func isAvailable(_ pod: StatefulPod) -> Bool {
        pod.isRunningAndReady && pod.state.isAvailable(minReadySeconds: set.minReadySeconds, now: now)
    }

    /// Pods below the partition, and those that a rolling update hasn't come to, keep the current revision.
    private func revision(for ordinal: Int) -> String {
        guard set.isRolling, current != update else { return update }
        let start = set.ordinals.lowerBound
        if set.partition > 0 { return ordinal < start + set.partition ? current : update }
        return ordinal < start + Int(clamping: set.status["currentReplicas"]?.int ?? 0) ? current : update
    }
}
