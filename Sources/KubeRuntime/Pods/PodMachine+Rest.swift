import KubeObject

extension PodMachine {
    /// Seconds in which containers are to end at most when their cluster falls asleep, as long as Kubernetes' own default: what sleeps costs
    /// nothing, and who wakes it waits for them.
    static let longestRestGrace: Int64 = 30

    /// The cluster sleeps: nothing of the pod runs, and everything that it is stays, as on a node that is switched off. When the cluster
    /// wakes, the pod goes on as on a node that was started again: a new sandbox, and the next attempt of every container.
    func rest(_ pod: Pod) -> Plan {
        // What isn't started again whatever its end can't be interrupted without harm. It ends, as when its node is shut down, and
        // whoever made it makes another one.
        if pod.restartPolicy != .always, observed.sandbox != nil {
            var plan = end(pod)
            if !isDone(pod) {
                plan.failure = PodMemory.Failure(
                    reason: "Terminated", message: "Pod was terminated because its cluster was put to sleep.", isDisruption: true,
                    gracePeriod: min(pod.gracePeriod, Self.longestRestGrace))
            }
            return plan
        }
        var plan = Plan(isResting: true)
        let alive = observed.alive
        if !alive.isEmpty || !memory.stopping.isEmpty || !memory.starting.isEmpty {
            return stopAll(alive, pod, plan, longestGrace: Self.longestRestGrace)
        }
        if let sandbox = observed.sandbox, !memory.stoppedSandboxes.contains(sandbox.id) {
            // Also one that has ended by itself: its network is taken back.
            if sandbox.isReady || memory.isAttached { plan.actions.append(.stopSandbox(id: sandbox.id)) }
        }
        plan.isAtRest = plan.actions.isEmpty
        return plan
    }

    /// Whether every container has run to its end and isn't started again.
    func isDone(_ pod: Pod) -> Bool {
        pod.containers.allSatisfy { spec in
            guard let last = observed.newest(spec.name), last.state == .exited else { return false }
            return !spec.isRestarted(afterExit: last.exitCode, policy: pod.restartPolicy)
        }
    }
}

extension Pod {
    /// Why a pod of a sleeping cluster isn't ready, and its containers wait.
    static let asleepReason = "ClusterAsleep"
    static let asleepMessage = "The cluster sleeps. The container is started again when somebody needs the cluster."

    /// Whether its status says that it doesn't run because its cluster sleeps.
    static func isAsleep(_ status: JSON?) -> Bool {
        status?["conditions"]?.elements.contains {
            $0["type"]?.string == "Ready" && $0["status"]?.string == "False" && $0["reason"]?.string == asleepReason
        } ?? false
    }
}
