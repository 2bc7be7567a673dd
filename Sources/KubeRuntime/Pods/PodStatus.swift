import KubeObject

/// Writes a pod's status as kubelet reports it.
struct PodStatus {
    let pod: Pod
    let observed: ObservedPod
    let memory: PodMemory
    let plan: PodMachine.Plan
    /// The node's addresses.
    let hostIPs: [String]
    /// Seconds since 1970.
    let now: Double

    /// The whole status: what others wrote into the old one (scheduling, readiness gates) is kept.
    func build() -> JSON {
        let statuses = ContainerStatuses(pod: pod, observed: observed, memory: memory, plan: plan)
        let initStatuses = statuses.list(pod.initContainers)
        let containerStatuses = statuses.list(pod.containers)
        var status = pod.status
        var phase = PodPhase.phase(
            pod: pod, initStatuses: initStatuses, statuses: containerStatuses, isTerminated: plan.isTerminated)
        let failure = plan.failure ?? memory.failure
        if let failure {
            status["reason"] = .string(failure.reason)
            status["message"] = .string(failure.message)
            phase = "Failed"
        }
        // Never back from the end, whatever is found later.
        if pod.isTerminal, let old = pod.status["phase"] { phase = old.string ?? phase }

        status["phase"] = .string(phase)
        status["startTime"] = status["startTime"] ?? .string(Timestamp.format(memory.firstSeen > 0 ? memory.firstSeen : now))
        status["observedGeneration"] = pod.metadata.generation > 0 ? .int(pod.metadata.generation) : nil
        if let first = hostIPs.first {
            status["hostIP"] = .string(first)
            status["hostIPs"] = .array(hostIPs.map { ["ip": .string($0)] })
        }
        let ips = pod.usesHostNetwork ? hostIPs : observed.sandbox.map(\.ips) ?? []
        if let first = ips.first, observed.sandbox != nil {
            status["podIP"] = .string(first)
            status["podIPs"] = .array(ips.map { ["ip": .string($0)] })
        }
        if plan.isAtRest, !pod.usesHostNetwork {
            // Another pod may get it meanwhile.
            status["podIP"] = nil
            status["podIPs"] = nil
        }
        if !wasNeverTaken {
            status["containerStatuses"] = .array(containerStatuses)
            if !initStatuses.isEmpty { status["initContainerStatuses"] = .array(initStatuses) }
            let ephemeral = statuses.list(pod.ephemeralContainers)
            if !ephemeral.isEmpty { status["ephemeralContainerStatuses"] = .array(ephemeral) }
        }
        setResources(&status)
        status["conditions"] = .array(conditions(phase, initStatuses, containerStatuses))
        return status
    }

    /// Kubelet says nothing of the containers of a pod that it rejects, so that lists show why it did, and not what they'd wait for.
    private var wasNeverTaken: Bool {
        memory.failure?.isRejection == true
            || pod.isTerminal && pod.status["containerStatuses"] == nil && observed.containers.isEmpty
    }

    /// What the pod as a whole is given and has (KEP-5419). One that has ended keeps what was said of it.
    private func setResources(_ status: inout JSON) {
        guard !pod.isTerminal, memory.failure == nil else { return }
        func present(_ amounts: JSON) -> JSON? { amounts.object?.isEmpty == false ? amounts : nil }
        status["allocatedResources"] = present(PodTotals.requests(of: pod))
        let given = PodResizing(pod: pod, observed: observed, memory: memory).withoutResize
        var resources: JSON = [:]
        resources["requests"] = present(PodTotals.requests(of: given))
        resources["limits"] = present(PodTotals.limits(of: given))
        status["resources"] = present(resources)
    }

    private typealias Condition = (type: String, isTrue: Bool, reason: String, message: String)

    private func conditions(_ phase: String, _ initStatuses: [JSON], _ statuses: [JSON]) -> [JSON] {
        let hasSandbox = observed.sandbox.map { $0.isReady && !memory.stoppedSandboxes.contains($0.id) } ?? false
        let old = pod.status["conditions"]?.elements ?? []
        var wanted: [Condition] = [
            ("PodReadyToStartContainers", hasSandbox && memory.isAttached, "", ""),
            initialized(phase, initStatuses, statuses),
        ]
        var containers = containersReady(phase, initStatuses, statuses)
        if plan.isResting {
            containers = ("ContainersReady", false, Pod.asleepReason, "The cluster sleeps; nothing of the pod runs.")
        }
        wanted.append(podReady(containers, old))
        wanted.append(
            (type: "ContainersReady", isTrue: containers.isTrue, reason: containers.reason, message: containers.message))
        if !old.contains(where: { $0["type"]?.string == "PodScheduled" }) { wanted.append(("PodScheduled", true, "", "")) }
        if let pending = memory.pendingResize {
            wanted.append((Self.resizePending, true, pending.reason, pending.message))
        }
        if let resize { wanted.append(resize) }
        if let failure = plan.failure ?? memory.failure, failure.isDisruption {
            wanted.append(("DisruptionTarget", true, "TerminationByKubelet", failure.message))
        }
        var result = wanted.map { condition in
            let before = old.first { $0["type"]?.string == condition.type }
            let status = condition.isTrue ? "True" : "False"
            var tree: JSON = ["type": .string(condition.type), "status": .string(status), "lastProbeTime": .null]
            tree["lastTransitionTime"] =
                before?["status"]?.string == status ? before?["lastTransitionTime"] : .string(Timestamp.format(now))
            if !condition.reason.isEmpty { tree["reason"] = .string(condition.reason) }
            if !condition.message.isEmpty { tree["message"] = .string(condition.message) }
            if pod.metadata.generation > 0 { tree["observedGeneration"] = .int(pod.metadata.generation) }
            return tree
        }
        for condition in old where !result.contains(where: { $0["type"] == condition["type"] }) {
            // A resize that is done isn't told of any more.
            if !Self.resizes.contains(condition["type"]?.string ?? "") { result.append(condition) }
        }
        return result
    }

    static let resizePending = "PodResizePending"
    static let resizeInProgress = "PodResizeInProgress"
    static let resizes: Set<String> = [resizePending, resizeInProgress]

    /// That a running container doesn't have yet what the spec gives it (KEP-1287); nil when all have.
    private var resize: Condition? {
        var isResizing = PodResizing(pod: pod, observed: observed, memory: memory).isWantedOfPod
        var failures: [String] = []
        if isResizing, let failure = memory.podResizeFailure, failure.resources == pod.spec["resources"] {
            failures.append(failure.message)
        }
        for spec in pod.initContainers.filter({ $0.role == .sidecar }) + pod.containers {
            guard let container = observed.current(spec.name), container.state == .running,
                !memory.resizing(container, spec, pod).isEmpty
            else { continue }
            isResizing = true
            if let failure = memory.resizeFailure(container, spec) { failures.append(failure.message) }
        }
        guard isResizing else { return nil }
        return (Self.resizeInProgress, true, failures.isEmpty ? "" : "Error", failures.joined(separator: "; "))
    }

    private func initialized(_ phase: String, _ initStatuses: [JSON], _ statuses: [JSON]) -> Condition {
        let type = "Initialized"
        if phase == "Succeeded" { return (type, true, "PodCompleted", "") }
        // Containers that run prove it, even when the init containers have been removed.
        let runs = statuses.contains {
            $0["started"]?.bool == true || $0[path: "state", "running"] != nil || $0[path: "lastState", "terminated"] != nil
        }
        let incomplete = zip(pod.initContainers, initStatuses).filter { spec, status in
            spec.role == .sidecar ? status["started"]?.bool != true : status["ready"]?.bool != true
        }.map(\.0.name)
        if incomplete.isEmpty || runs { return (type, true, "", "") }
        return (
            type, false, "ContainersNotInitialized", "containers with incomplete status: [\(incomplete.joined(separator: " "))]"
        )
    }

    private func containersReady(_ phase: String, _ initStatuses: [JSON], _ statuses: [JSON]) -> Condition {
        let type = "ContainersReady"
        if phase == "Succeeded" { return (type, false, "PodCompleted", "") }
        if phase == "Failed" { return (type, false, "PodFailed", "") }
        let sidecars = zip(pod.initContainers, initStatuses).filter { $0.0.role == .sidecar }.map(\.1)
        let unready = (sidecars + statuses).filter { $0["ready"]?.bool != true }.compactMap { $0["name"]?.string }
        if unready.isEmpty { return (type, true, "", "") }
        return (type, false, "ContainersNotReady", "containers with unready status: [\(unready.joined(separator: " "))]")
    }

    private func podReady(_ containers: Condition, _ old: [JSON]) -> Condition {
        guard containers.isTrue else { return ("Ready", false, containers.reason, containers.message) }
        var problems: [String] = []
        for gate in pod.spec["readinessGates"]?.elements ?? [] {
            let type = gate["conditionType"]?.string ?? ""
            let condition = old.first { $0["type"]?.string == type }
            if condition == nil {
                problems.append("corresponding condition of pod readiness gate \"\(type)\" does not exist.")
            } else if condition?["status"]?.string != "True" {
                problems.append(
                    "the status of pod readiness gate \"\(type)\" is not \"True\", but \(condition?["status"]?.string ?? "")")
            }
        }
        return problems.isEmpty
            ? ("Ready", true, "", "") : ("Ready", false, "ReadinessGatesNotReady", problems.joined(separator: ", "))
    }
}

extension PodStatus {
    /// What the node owns of the status over what is stored: conditions that others wrote in the meantime are kept.
    static func merge(_ status: JSON, over stored: JSON?) -> JSON {
        var result = status
        var conditions = status["conditions"]?.elements ?? []
        for condition in stored?["conditions"]?.elements ?? [] {
            let type = condition["type"]
            if let index = conditions.firstIndex(where: { $0["type"] == type }) {
                let isOurs = resizes.union([
                    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "DisruptionTarget",
                ])
                .contains(type?.string ?? "")
                if !isOurs { conditions[index] = condition }
            } else if !resizes.contains(type?.string ?? "") {
                conditions.append(condition)
            }
        }
        result["conditions"] = .array(conditions)
        for key in ["qosClass", "nominatedNodeName", "resize"] where stored?[key] != nil { result[key] = stored?[key] }
        return result
    }
}
