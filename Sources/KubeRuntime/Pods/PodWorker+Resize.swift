internal import GRPCCore
import KubeObject
import Logging
internal import SwiftProtobuf

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

    /// Gives the containers that have the pod's limits the new ones, and takes the pod for resized: its control group is set next, by ``keepGroup(_:_:_:)``,
    /// which has made room before.
    ///
    /// - Returns: whether it is done.
    func resizePod(_ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) async -> Bool {
        let wanted = pod.spec["resources"] ?? [:]
        do {
            if let reading = ContainerReading.read(services.node.cgroup(podUID: uid)),
                let obstacle = PodResizing.obstacle(
                    toLimit: try groupLimit(pod).memory, from: state.memory.group?.memory, used: reading.memory)
            {
                throw RPCError(code: .failedPrecondition, message: obstacle)
            }
            for container in PodResizing(pod: pod, observed: state.observed, memory: state.memory).inheriting {
                let linux = ContainerResources.linux(
                    container.spec, pod: pod, nodeMemory: services.node.facts.memory, cgroups: services.node.machine.cgroups)
                _ = try await services.client.runtime.updateContainerResources(
                    .with {
                        $0.containerID = container.id
                        $0.linux = linux
                    }, options: .within(.seconds(30)))
            }
            state.memory.podResources = wanted
            state.memory.podResizeFailure = nil
            return true
        } catch {
            services.events.record(.warning, "ResizeError", "Pod can't be resized: \(Self.text(error))", pod: pod, in: cluster)
            let retry = Timestamp.seconds + Self.resizeRetry
            state.memory.podResizeFailure = PodMemory.ResizeFailure(
                resources: wanted, retryAt: retry, message: Self.text(error))
            schedule(retry, &state, &group)
            return false
        }
    }

    // MARK: The pod's control group

    func groupLimit(_ pod: Pod) throws(StatusError) -> Cgroups.Limit {
        var limit = ContainerResources.group(pod, isSandboxed: try runtimeHandler(pod) == RunscAdapter.handler)
        limit.processes = services.node.podPidsLimit
        return limit
    }

    /// Sets the control group of a pod that runs to what its spec says by now: before its containers get more, and after they have less. Also of
    /// one that an earlier server started.
    func keepGroup(_ pod: Pod, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        guard !pod.isTerminal, state.observed.sandbox?.isReady == true else { return }
        do {
            let isResizing = PodResizing(pod: pod, observed: state.observed, memory: state.memory).isWanted
            var wanted = try groupLimit(pod)
            if isResizing, let known = state.memory.group { wanted = wanted.union(known) }
            guard wanted != state.memory.group else { return }
            if isResizing, state.memory.group == nil { return }
            try Cgroups.limit(services.node.cgroup(podUID: uid), wanted)
            state.memory.group = wanted
        } catch {
            // As when it uses more than it is to have: until it uses less.
            logger.info("the pod's control group couldn't be set: trying again in 10 s", metadata: ["error": "\(error)"])
            schedule(Timestamp.seconds + Self.resizeRetry, &state, &group)
        }
    }
}
