import KubeObject

extension PodWorker {
    /// How often a resize that waits for others' resources is looked at again, in seconds.
    private static let resizeRetry = 10.0

    /// The pod as it may be run now: with the resources that it has, for as long as the node can't give it those of its spec.
    func withPossibleResources(
        _ pod: Pod, _ state: inout State, _ now: Double, _ group: inout DiscardingTaskGroup
    ) -> Pod {
        let resizing = PodResizing(pod: pod, observed: state.observed, memory: state.memory)
        guard resizing.isWanted else {
            state.memory.pendingResize = nil
            if state.memory.acceptedResize != nil, resizing.isComplete {
                state.memory.acceptedResize = nil
                services.events.record(
                    .normal, "ResizeCompleted", resizing.message("Pod resize completed"), pod: pod, in: cluster)
            }
            return pod
        }
        // Once the node has set it aside, it's the pod's.
        if state.memory.acceptedResize == resizing.desired { return pod }
        guard let obstacle = services.resizeObstacle(self) else {
            state.memory.pendingResize = nil
            state.memory.acceptedResize = resizing.desired
            services.events.record(.normal, "ResizeStarted", resizing.message("Pod resize started"), pod: pod, in: cluster)
            return pod
        }
        let pending = PodMemory.Failure(reason: obstacle.reason, message: obstacle.message)
        if state.memory.pendingResize != pending {
            state.memory.pendingResize = pending
            let message = resizing.message("Pod resize \(pending.reason)", error: pending.message)
            services.events.record(.warning, "Resize\(pending.reason)", message, pod: pod, in: cluster)
        }
        if pending.reason == "Deferred" { schedule(now + Self.resizeRetry, &state, &group) }
        return resizing.withoutResize
    }
}
