import KubeObject

/// A pod's phase, computed from its containers' statuses as kubelet does.
enum PodPhase {
    static func phase(pod: Pod, initStatuses: [JSON], statuses: [JSON], isTerminated: Bool) -> String {
        var pendingInit = 0
        var failedInit = 0
        var hasRunningSidecar = false
        for (spec, status) in zip(pod.initContainers, initStatuses) {
            let state = status["state"]
            switch spec.role {
            case .sidecar:
                if state?["running"] != nil {
                    hasRunningSidecar = true
                    if status["started"]?.bool != true { pendingInit += 1 }
                } else if state?["waiting"] != nil, status[path: "lastState", "terminated"] == nil {
                    pendingInit += 1
                }
            default:
                if let ended = state?["terminated"] {
                    if ended["exitCode"]?.int != 0 { failedInit += 1 }
                } else {
                    if let last = status[path: "lastState", "terminated"], last["exitCode"]?.int != 0 { failedInit += 1 }
                    pendingInit += 1
                }
            }
        }

        var running = 0
        var waiting = 0
        var stopped = 0
        var succeeded = 0
        for status in statuses {
            let state = status["state"]
            if state?["running"] != nil {
                running += 1
            } else if let ended = state?["terminated"] {
                stopped += 1
                if ended["exitCode"]?.int == 0 { succeeded += 1 }
            } else if status[path: "lastState", "terminated"] != nil {
                stopped += 1
            } else {
                waiting += 1
            }
        }
        let isFinal = isTerminated && running == 0
        if failedInit > 0 && pod.restartPolicy == .never { return "Failed" }
        if isFinal && (pod.isBeingDeleted || waiting == 0) {
            return waiting == 0 && stopped == succeeded && stopped > 0 ? "Succeeded" : "Failed"
        }
        if pendingInit > 0 && running == 0 && stopped == 0 { return "Pending" }
        if waiting > 0 { return "Pending" }
        if running > 0 { return "Running" }
        if stopped > 0 {
            if pod.restartPolicy == .always { return "Running" }
            if stopped == succeeded { return hasRunningSidecar ? "Running" : "Succeeded" }
            if pod.restartPolicy == .never { return hasRunningSidecar ? "Running" : "Failed" }
            return "Running"
        }
        return "Pending"
    }
}
