import KubeObject

/// Decides what to do next for one pod. Pure: the same pod, observation, memory and time give the same plan, so that every
/// rule can be tested in a table. It follows kubelet's order: volumes, sandbox, init containers one by one, containers.
struct PodMachine {
    enum Action: Sendable, Equatable {
        case mountVolumes
        case createSandbox(attempt: UInt32)
        case stopSandbox(id: String)
        case removeSandbox(id: String)
        /// Tells the network of the newest sandbox's address.
        case attach
        case start(container: String, attempt: UInt32)
        /// `message` is the Killing event's, after "Stopping container NAME" or "Container NAME ".
        case stop(id: String, name: String, grace: Int64, message: String, runsHook: Bool)
        /// Gives a running container what its spec says now of CPU and memory.
        case resize(id: String, container: String)
        /// Gives the pod as a whole what its spec says by now, when its containers have been given theirs.
        case resizePod
        case remove(id: String)
        /// Takes back what the pod has outside of its containers: volumes' mounts, addresses.
        case release
        /// The API object is deleted for good: nothing of the pod runs.
        case finalize
        /// Containers, sandboxes, directories and logs are removed, and the pod forgotten.
        case forget
    }

    struct Plan: Sendable, Equatable {
        var actions: [Action] = []
        /// Seconds since 1970: look again then.
        var wakeAt: Double?
        /// Containers that wait for their back-off: name and message.
        var backoffs: [String: String] = [:]
        var failure: PodMemory.Failure?
        /// Nothing of the pod runs, or ever will again.
        var isTerminated = false
        /// Nothing of the pod is to run for now.
        var isResting = false
        /// And nothing does.
        var isAtRest = false

        mutating func wake(at time: Double) { wakeAt = min(wakeAt ?? time, time) }
    }

    /// Nil when the object is gone.
    let pod: Pod?
    let observed: ObservedPod
    let memory: PodMemory
    /// Seconds since 1970.
    let now: Double
    /// The pod's cluster sleeps.
    var isResting = false

    func plan() -> Plan {
        guard let pod else { return end(nil) }
        if pod.isBeingDeleted || pod.isTerminal || memory.failure != nil { return end(pod) }
        if isResting { return rest(pod) }
        if let seconds = pod.spec["activeDeadlineSeconds"]?.int {
            let deadline = (pod.startTime ?? memory.firstSeen) + Double(seconds)
            if deadline <= now {
                var plan = end(pod)
                plan.failure = PodMemory.Failure(
                    reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline")
                return plan
            }
            var plan = run(pod)
            plan.wake(at: deadline)
            return plan
        }
        return run(pod)
    }

    // MARK: Running

    private func run(_ pod: Pod) -> Plan {
        var plan = Plan()
        removeOldAttempts(pod, &plan)
        if !memory.volumesReady {
            if let retry = memory.volumeRetryAt, retry > now {
                plan.wake(at: retry)
            } else {
                plan.actions.append(.mountVolumes)
            }
            return plan
        }
        guard let sandbox = observed.sandbox, sandbox.isReady, !memory.stoppedSandboxes.contains(sandbox.id) else {
            return replaceSandbox(pod, plan)
        }
        for old in observed.sandboxes.dropFirst() where old.isReady || !hasHistory(old, of: pod) {
            plan.actions.append(.removeSandbox(id: old.id))
        }
        if !memory.isAttached {
            if let retry = memory.sandboxRetryAt, retry > now { plan.wake(at: retry) } else { plan.actions.append(.attach) }
            return plan
        }

        for spec in pod.ephemeralContainers where !memory.starting.contains(spec.name) {
            switch observed.newest(spec.name) {
            case nil: start(spec, pod, &plan)
            case let container? where container.state == .created: removeUnstarted(container, &plan)
            default: break
            }
        }
        let isInitialized = pod.containers.contains { observed.current($0.name) != nil }
        if !isInitialized && !runInitContainers(pod, &plan) { return plan }
        return runContainers(pod, isInitialized: isInitialized, plan)
    }

    /// The pod's processes have lost their namespaces (or never had any): everything is made again.
    private func replaceSandbox(_ pod: Pod, _ given: Plan) -> Plan {
        var plan = given
        let alive = observed.alive.filter { memory.stopping[$0.id] == nil }
        for container in alive { plan.actions.append(stop(container, pod, grace: pod.gracePeriod, why: "")) }
        if !alive.isEmpty || !memory.stopping.isEmpty || !memory.starting.isEmpty { return plan }
        if observed.sandbox != nil && pod.restartPolicy != .always && isDone(pod) { return end(pod) }
        if let sandbox = observed.sandbox, !memory.stoppedSandboxes.contains(sandbox.id) {
            plan.actions.append(.stopSandbox(id: sandbox.id))
            return plan
        }
        if let retry = memory.sandboxRetryAt, retry > now {
            plan.wake(at: retry)
            return plan
        }
        plan.actions.append(.createSandbox(attempt: observed.sandbox.map { $0.attempt + 1 } ?? 0))
        return plan
    }

    /// True when all are done or (sidecars) started, so that the pod's containers may start.
    private func runInitContainers(_ pod: Pod, _ plan: inout Plan) -> Bool {
        for spec in pod.initContainers {
            if memory.starting.contains(spec.name) { return false }
            guard let current = observed.current(spec.name) else {
                start(spec, pod, &plan)
                return false
            }
            switch current.state {
            case .created, .unknown:
                removeUnstarted(current, &plan)
                return false
            case .running:
                if spec.role == .initial { return false }
                stopWhenUnhealthy(spec, current, pod, &plan)
                if !memory.hooksDone.contains(current.id) { return false }
                if spec.hasStartupProbe && memory.probes[current.id]?.isStarted != true { return false }
            case .exited:
                if spec.role == .initial && current.exitCode == 0 { continue }
                if !spec.isRestarted(afterExit: current.exitCode, policy: pod.restartPolicy) {
                    plan = endAfterCompletion(pod, plan)
                    return false
                }
                start(spec, pod, &plan)
                return false
            }
        }
        return true
    }

    private func runContainers(_ pod: Pod, isInitialized: Bool, _ given: Plan) -> Plan {
        var plan = given
        var isAnyLeft = false
        var mayStart = true
        for spec in pod.containers {
            if memory.starting.contains(spec.name) {
                isAnyLeft = true
                mayStart = false  // one after the other, as kubelet: a postStart hook holds up the next container
                continue
            }
            guard let current = observed.current(spec.name) else {
                isAnyLeft = true
                if mayStart, start(spec, pod, &plan) { mayStart = false }
                continue
            }
            switch current.state {
            case .created, .unknown:
                isAnyLeft = true
                if current.state == .created {
                    removeUnstarted(current, &plan)
                } else if memory.stopping[current.id] == nil {
                    plan.actions.append(stop(current, pod, grace: pod.gracePeriod, why: "is in unknown state"))
                }
            case .running:
                isAnyLeft = true
                stopWhenUnhealthy(spec, current, pod, &plan)
                resize(spec, current, pod, &plan)
            case .exited:
                guard spec.isRestarted(afterExit: current.exitCode, policy: pod.restartPolicy) else { continue }
                isAnyLeft = true
                if mayStart, start(spec, pod, &plan) { mayStart = false }
            }
        }
        if !isAnyLeft { return endAfterCompletion(pod, plan) }
        if isInitialized {
            for spec in pod.initContainers where spec.role == .sidecar && !memory.starting.contains(spec.name) {
                guard let current = observed.current(spec.name) else {
                    start(spec, pod, &plan)
                    continue
                }
                switch current.state {
                case .running:
                    stopWhenUnhealthy(spec, current, pod, &plan)
                    resize(spec, current, pod, &plan)
                case .exited: start(spec, pod, &plan)
                case .created, .unknown: removeUnstarted(current, &plan)
                }
            }
        }
        return plan
    }

    /// Plans a start now, or at the end of the back-off. True when it starts now.
    @discardableResult
    private func start(_ spec: ContainerSpec, _ pod: Pod, _ plan: inout Plan) -> Bool {
        let newest = observed.newest(spec.name)
        if let last = observed.current(spec.name), last.state == .exited,
            let end = memory.backoff.end(spec.name, failure: last.finishedSeconds, now: now)
        {
            let delay = Self.duration(memory.backoff.delay(spec.name))
            plan.backoffs[spec.name] = "back-off \(delay) restarting failed container=\(spec.name) pod=\(pod.formatted)"
            plan.wake(at: end)
            return false
        }
        if let retry = memory.waiting[spec.name]?.retryAt, retry > now {
            plan.wake(at: retry)
            return false
        }
        plan.actions.append(.start(container: spec.name, attempt: newest.map { $0.attempt + 1 } ?? 0))
        return true
    }

    private func stopWhenUnhealthy(_ spec: ContainerSpec, _ current: ObservedContainer, _ pod: Pod, _ plan: inout Plan) {
        guard memory.stopping[current.id] == nil else { return }
        if !current.specImage.isEmpty && current.specImage != spec.image, isSettled(spec, current, &plan) {
            plan.actions.append(stop(current, pod, grace: pod.gracePeriod, why: "definition changed, will be restarted"))
        } else if let failure = memory.probes[current.id]?.failure {
            let probe = failure == "startup" ? spec.tree["startupProbe"] : spec.tree["livenessProbe"]
            let grace = probe?["terminationGracePeriodSeconds"]?.int.map { min($0, Pod.longestGracePeriod) } ?? pod.gracePeriod
            plan.actions.append(stop(current, pod, grace: grace, why: "failed \(failure) probe, will be restarted"))
        }
    }

    /// Changes of the image that follow each other closely cost one restart; and who changes it finds the pod for a moment as it was, as with
    /// kubelet, which looks once a second what became of its containers: upstream's *lifecycle of Pods and PodStatus* counts on that.
    private func isSettled(_ spec: ContainerSpec, _ current: ObservedContainer, _ plan: inout Plan) -> Bool {
        guard let change = memory.imageChanges[current.id], change.image == spec.image else { return true }
        let end = change.since + Self.imageSettling
        if end > now { plan.wake(at: end) }
        return end <= now
    }

    static let imageSettling = 0.5

    /// Brings a running container's resources to what the spec says by now (KEP-1287): in place, or where the container's policy for a
    /// resource that changes says so, by a restart.
    private func resize(_ spec: ContainerSpec, _ current: ObservedContainer, _ pod: Pod, _ plan: inout Plan) {
        guard memory.stopping[current.id] == nil else { return }
        let changed = memory.resizing(current, spec, pod)
        guard !changed.isEmpty else { return }
        let restarts = (spec.tree["resizePolicy"]?.elements ?? []).contains {
            $0["restartPolicy"]?.string == "RestartContainer" && changed.contains($0["resourceName"]?.string ?? "")
        }
        if restarts {
            plan.actions.append(stop(current, pod, grace: pod.gracePeriod, why: "resize requires restart"))
        } else if let failure = memory.resizeFailure(current, spec), failure.retryAt > now {
            plan.wake(at: failure.retryAt)
        } else {
            plan.actions.append(.resize(id: current.id, container: spec.name))
        }
    }

    /// A container that nobody is starting was left by a start that broke off. The engine may still be about it: it gets a moment.
    private func removeUnstarted(_ container: ObservedContainer, _ plan: inout Plan) {
        let end = Double(container.createdAt) / 1e9 + 3
        if end > now { plan.wake(at: end) } else { plan.actions.append(.remove(id: container.id)) }
    }

    /// Of every container the newest attempt and the one before it are kept, for their status and log.
    private func removeOldAttempts(_ pod: Pod, _ plan: inout Plan) {
        for spec in pod.allContainers {
            let attempts = observed.containers.filter { $0.name == spec.name }
            for old in attempts.dropFirst(2) where old.state == .exited { plan.actions.append(.remove(id: old.id)) }
        }
    }

    /// Whether a sandbox that was replaced has attempts that are kept: with it they would go, and what they tell.
    private func hasHistory(_ sandbox: ObservedSandbox, of pod: Pod) -> Bool {
        pod.allContainers.contains { spec in
            observed.containers.filter { $0.name == spec.name }.prefix(2).contains { $0.sandboxID == sandbox.id }
        }
    }

    // MARK: Ending

    /// All containers have run to their end: sidecars are stopped, and the sandbox.
    private func endAfterCompletion(_ pod: Pod, _ given: Plan) -> Plan {
        var plan = end(pod)
        plan.actions = given.actions + plan.actions
        plan.backoffs = given.backoffs
        return plan
    }

    func end(_ pod: Pod?) -> Plan {
        var plan = Plan()
        let alive = observed.alive
        // A start that is under way can't be seen yet: its result brings us here again.
        if !memory.starting.isEmpty { return stopAll(alive, pod, plan) }
        if !alive.isEmpty || !memory.stopping.isEmpty { return stopAll(alive, pod, plan) }
        if let sandbox = observed.sandbox, !memory.stoppedSandboxes.contains(sandbox.id) {
            plan.actions.append(.stopSandbox(id: sandbox.id))
            return plan
        }
        plan.isTerminated = true
        if !memory.isReleased { plan.actions.append(.release) }
        guard let pod else {
            plan.actions.append(.forget)
            return plan
        }
        if pod.isBeingDeleted && !memory.isFinalized { plan.actions.append(.finalize) }
        return plan
    }

    /// The pod's containers first; its sidecars when they have ended, the last one first.
    func stopAll(_ alive: [ObservedContainer], _ pod: Pod?, _ given: Plan, longestGrace: Int64 = Pod.longestGracePeriod) -> Plan {
        var plan = given
        let grace = min(memory.failure?.gracePeriod ?? pod?.gracePeriod ?? 1, longestGrace)
        let sidecars = pod?.initContainers.filter { $0.role == .sidecar }.map(\.name) ?? []
        let main = alive.filter { !sidecars.contains($0.name) }
        var next = main
        if main.isEmpty, let last = sidecars.last(where: { name in alive.contains { $0.name == name } }) {
            next = alive.filter { $0.name == last }
        }
        let deadline = (memory.terminationStarted ?? now) + Double(grace)
        for container in next {
            let left = max(Int64(saturating: (deadline - now).rounded(.up)), main.isEmpty ? 2 : 1)
            if let stop = memory.stopping[container.id] {
                // Deleting again with less patience cuts the first one short.
                guard now + Double(left) + 1 < stop.deadline else { continue }
                plan.actions.append(self.stop(container, pod, grace: left, why: "", runsHook: false))
            } else {
                plan.actions.append(self.stop(container, pod, grace: left, why: ""))
            }
        }
        return plan
    }

    private func stop(_ container: ObservedContainer, _ pod: Pod?, grace: Int64, why: String, runsHook: Bool = true) -> Action {
        let message = why.isEmpty ? "Stopping container \(container.name)" : "Container \(container.name) \(why)"
        return .stop(
            id: container.id, name: container.name, grace: grace, message: message,
            runsHook: runsHook && container.state == .running && pod != nil)
    }

    /// As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds)
        return whole < 60 ? "\(whole)s" : "\(whole / 60)m\(whole % 60)s"
    }
}
