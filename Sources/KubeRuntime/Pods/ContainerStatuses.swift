import KubeObject

/// Writes `containerStatuses` and `initContainerStatuses` as kubelet does, from what the engine has and what the plan says.
struct ContainerStatuses {
    let pod: Pod
    let observed: ObservedPod
    let memory: PodMemory
    let plan: PodMachine.Plan

    func list(_ specs: [ContainerSpec]) -> [JSON] { specs.map(status) }

    private func status(_ spec: ContainerSpec) -> JSON {
        let newest = observed.newest(spec.name)
        let previous = observed.previous(spec.name)
        let old = oldStatus(spec.name)
        let isStarting = memory.starting.contains(spec.name)

        var state: JSON
        var last: JSON = [:]
        var shown = newest
        switch newest?.state {
        case .running?:
            state = ["running": ["startedAt": time(newest?.startedAt ?? 0)]]
            last = previous.map(terminated) ?? old?["lastState"] ?? [:]
        case .exited?:
            let code = newest?.exitCode ?? 0
            let restarts = !plan.isTerminated && isRestarting(spec, newest) && (spec.role != .initial || code != 0)
            let ended = newest.map(terminated) ?? [:]
            if plan.isResting, isRestarting(spec, newest), spec.role != .initial || code != 0 {
                state = waiting(Pod.asleepReason, Pod.asleepMessage)
                last = ended
            } else if let message = plan.backoffs[spec.name] {
                state = waiting("CrashLoopBackOff", message)
                last = ended
            } else if restarts, let reason = memory.waiting[spec.name] {
                state = waiting(reason.reason, reason.message)
                last = ended
            } else {
                state = ended
                last = previous.map(terminated) ?? old?["lastState"] ?? [:]
            }
        case .created?, .unknown?, nil:
            shown = previous ?? newest
            if plan.isResting {
                state = waiting(Pod.asleepReason, Pod.asleepMessage)
            } else if let reason = memory.waiting[spec.name], !plan.isTerminated {
                state = waiting(reason.reason, reason.message)
            } else if plan.isTerminated, old?[path: "state", "terminated"] != nil {
                state = old?["state"] ?? [:]
            } else if plan.isTerminated, pod.isBeingDeleted || memory.failure != nil, old != nil,
                newest != nil || old?["containerID"] != nil
            {
                state = [
                    "terminated": [
                        "exitCode": 137, "reason": "ContainerStatusUnknown",
                        "message": "The container could not be located when the pod was terminated", "startedAt": .null,
                        "finishedAt": .null,
                    ]
                ]
            } else {
                state = waiting(pod.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing", "")
            }
            last = previous.map(terminated) ?? old?["lastState"] ?? [:]
        }
        if isStarting, newest == nil, let reason = memory.waiting[spec.name] { state = waiting(reason.reason, reason.message) }

        let isRunning = newest?.state == .running
        let probes = newest.flatMap { memory.probes[$0.id] }
        let isStarted =
            isRunning && (newest.map { memory.hooksDone.contains($0.id) } ?? false)
            && (!spec.hasStartupProbe || probes?.isStarted == true)
        var isReady = isStarted && (!spec.hasReadinessProbe || probes?.isReady == true)
        // It is being stopped: whoever sends it something is to stop before.
        if plan.isResting || newest.map({ memory.restStops.contains($0.id) }) == true { isReady = false }
        if spec.role == .initial { isReady = newest?.state == .exited && newest?.exitCode == 0 }

        var status: JSON = [
            "name": .string(spec.name), "state": state, "lastState": last, "ready": .bool(isReady),
            "restartCount": .int(Int64(newest?.attempt ?? 0)),
            "image": .string(shown.map(\.image).flatMap { $0.isEmpty ? nil : $0 } ?? old?["image"]?.string ?? spec.image),
            "imageID": .string(shown?.imageRef ?? old?["imageID"]?.string ?? ""),
            "started": .bool(spec.role == .initial ? false : isStarted),
        ]
        if spec.role == .ephemeral {
            status["ready"] = false
            status["started"] = nil
        }
        if newest == nil { status["restartCount"] = old?["restartCount"] ?? 0 }
        if let shown {
            status["containerID"] = .string("containerd://" + shown.id)
        } else {
            status["containerID"] = old?["containerID"]
        }
        if let newest {
            // Also empty ones: they say that the node can resize it.
            let resources = memory.resources(of: newest, spec, pod)
            status["resources"] = resources
            if resources["requests"]?.object?.isEmpty == false { status["allocatedResources"] = resources["requests"] }
        } else if state == old?["state"], state["terminated"] != nil {
            status["resources"] = old?["resources"]
            status["allocatedResources"] = old?["allocatedResources"]
        }
        let mounts = spec.tree["volumeMounts"]?.elements ?? []
        if !mounts.isEmpty {
            status["volumeMounts"] = .array(
                mounts.map { mount in
                    var shown: JSON = ["name": mount["name"] ?? "", "mountPath": mount["mountPath"] ?? ""]
                    if mount["readOnly"]?.bool == true {
                        shown["readOnly"] = true
                        shown["recursiveReadOnly"] = "Disabled"
                    }
                    return shown
                })
        }
        return status
    }

    private func isRestarting(_ spec: ContainerSpec, _ container: ObservedContainer?) -> Bool {
        guard let container, !pod.isBeingDeleted, !pod.isTerminal, memory.failure == nil else { return false }
        return spec.isRestarted(afterExit: container.exitCode, policy: pod.restartPolicy)
    }

    private func oldStatus(_ name: String) -> JSON? {
        let lists = [
            pod.status["containerStatuses"], pod.status["initContainerStatuses"], pod.status["ephemeralContainerStatuses"],
        ]
        return lists.lazy.compactMap { $0 }.flatMap(\.elements).first { $0["name"]?.string == name }
    }

    private func waiting(_ reason: String, _ message: String) -> JSON {
        message.isEmpty
            ? ["waiting": ["reason": .string(reason)]] : ["waiting": ["reason": .string(reason), "message": .string(message)]]
    }

    private func terminated(_ container: ObservedContainer) -> JSON {
        guard container.state == .exited else { return [:] }
        var ended: JSON = [
            "exitCode": .int(Int64(container.exitCode)),
            "reason": .string(container.reason.isEmpty ? (container.exitCode == 0 ? "Completed" : "Error") : container.reason),
            "startedAt": time(container.startedAt), "finishedAt": time(container.finishedAt),
            "containerID": .string("containerd://" + container.id),
        ]
        if !container.message.isEmpty { ended["message"] = .string(container.message) }
        return ["terminated": ended]
    }

    private func time(_ nanoseconds: Int64) -> JSON {
        nanoseconds > 0 ? .string(Timestamp.format(Double(nanoseconds) / 1e9)) : .null
    }
}
