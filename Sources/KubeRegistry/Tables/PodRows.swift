import KubeObject

extension Printers {
    static let pods: [String: Printer] = [
        "pods": Printer([
            .name, .text("Ready"),
            .text("Status"),
            .text("Restarts"),
            .age, .text("IP", wide: true), .text("Node", wide: true), .text("Nominated Node", wide: true),
            .text("Readiness Gates", wide: true),
        ]) { PodRow($0).cells },
        "podtemplates": Printer([
            .name, .text("Containers"), .text("Images"), .text("Pod Labels"),
        ]) { row in
            let template = row.tree["template"] ?? [:]
            return [row.name] + Row.containers(template["spec"] ?? [:]) + [Row.labels(template[path: "metadata", "labels"])]
        },
    ]
}

/// A pod's row: one word for the state of all its containers.
private struct PodRow {
    let row: Row
    private var restarts: Int64 = 0
    private var lastRestart: Double?
    private var ready = 0
    private var total = 0
    private var reason = ""
    private var initializing = false

    init(_ row: Row) {
        self.row = row
        let status = row.status
        reason = status.text("reason").isEmpty ? status.text("phase") : status.text("reason")
        total = row.spec["containers"]?.elements.count ?? 0
        for condition in status["conditions"]?.elements ?? [] where condition.text("reason") == "SchedulingGated" {
            if condition.text("type") == "PodScheduled" { reason = "SchedulingGated" }
        }
        addInitContainers()
        if !initializing || isInitialized { addContainers() }
        if row.metadata.has("deletionTimestamp") {
            if status.text("reason") == "NodeLost" {
                reason = "Unknown"
            } else if !["Succeeded", "Failed"].contains(status.text("phase")) {
                reason = "Terminating"
            }
        }
    }

    private var isInitialized: Bool {
        (row.status["conditions"]?.elements ?? []).contains { $0.text("type") == "Initialized" && $0.text("status") == "True" }
    }

    private var sidecars: Set<String> {
        Set((row.spec["initContainers"]?.elements ?? []).filter { $0.text("restartPolicy") == "Always" }.map { $0.text("name") })
    }

    private mutating func note(_ container: JSON) {
        if let finished = container[path: "lastState", "terminated", "finishedAt"]?.string, let time = Timestamp.parse(finished) {
            lastRestart = max(lastRestart ?? time, time)
        }
    }

    private mutating func addInitContainers() {
        let sidecars = sidecars
        total += sidecars.count
        let count = row.spec["initContainers"]?.elements.count ?? 0
        var sidecarRestarts: Int64 = 0
        for (index, container) in (row.status["initContainerStatuses"]?.elements ?? []).enumerated() {
            let isSidecar = sidecars.contains(container.text("name"))
            restarts += container["restartCount"]?.int ?? 0
            note(container)
            if isSidecar { sidecarRestarts += container["restartCount"]?.int ?? 0 }
            let state = container["state"] ?? [:]
            if let terminated = state["terminated"], terminated["exitCode"]?.int == 0 { continue }
            if isSidecar, container["started"]?.bool == true {
                if container["ready"]?.bool == true { ready += 1 }
                continue
            }
            if let terminated = state["terminated"] {
                reason = "Init:" + Self.termination(terminated)
            } else if let waiting = state["waiting"], !waiting.text("reason").isEmpty,
                waiting.text("reason") != "PodInitializing"
            {
                reason = "Init:" + waiting.text("reason")
            } else {
                reason = "Init:\(index)/\(count)"
            }
            initializing = true
            break
        }
        if !initializing || isInitialized { restarts = sidecarRestarts }
    }

    private static func termination(_ terminated: JSON) -> String {
        let reason = terminated.text("reason")
        if !reason.isEmpty { return reason }
        if let signal = terminated["signal"]?.int, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(terminated["exitCode"]?.int ?? 0)"
    }

    private mutating func addContainers() {
        var hasRunning = false
        for container in (row.status["containerStatuses"]?.elements ?? []).reversed() {
            restarts += container["restartCount"]?.int ?? 0
            note(container)
            let state = container["state"] ?? [:]
            if let waiting = state["waiting"], !waiting.text("reason").isEmpty {
                reason = waiting.text("reason")
            } else if let terminated = state["terminated"] {
                reason = Self.termination(terminated)
            } else if container["ready"]?.bool == true, state["running"] != nil {
                hasRunning = true
                ready += 1
            }
        }
        // The pod runs on although one of its containers ended well.
        if reason == "Completed", hasRunning {
            let isReady = (row.status["conditions"]?.elements ?? []).contains {
                $0.text("type") == "Ready" && $0.text("status") == "True"
            }
            reason = isReady ? "Running" : "NotReady"
        }
    }

    var cells: [JSON] {
        var shownRestarts = String(restarts)
        if restarts != 0, let lastRestart { shownRestarts += " (\(HumanDuration.text(seconds: row.now - lastRestart)) ago)" }
        let gates = row.spec["readinessGates"]?.elements ?? []
        let conditions = row.status["conditions"]?.elements ?? []
        let open = gates.filter { gate in
            conditions.contains { $0.text("type") == gate.text("conditionType") && $0.text("status") == "True" }
        }
        let ip = row.status["podIPs"]?[0]?.text("ip") ?? row.status.text("podIP")
        return [
            row.name, .string("\(ready)/\(total)"), .string(reason), .string(shownRestarts), row.age, Row.shown(ip),
            Row.shown(row.spec.text("nodeName")), Row.shown(row.status.text("nominatedNodeName")),
            .string(gates.isEmpty ? "<none>" : "\(open.count)/\(gates.count)"),
        ]
    }
}
