import KubeObject

extension Printers {
    private static let template: [Column] = [
        .text("Containers", wide: true), .text("Images", wide: true), .text("Selector", wide: true),
    ]

    private static func templateCells(_ row: Row) -> [JSON] {
        Row.containers(row.spec[path: "template", "spec"] ?? [:]) + [Row.selector(row.spec["selector"])]
    }

    private static func count(_ value: JSON?) -> JSON { .int(value?.int ?? 0) }

    static let workloadsOfCore: [String: Printer] = [
        "replicationcontrollers": Printer(
            [.name, .number("Desired"), .number("Current"), .number("Ready"), .age] + template
        ) { row in
            [
                row.name, count(row.spec["replicas"]), count(row.status["replicas"]), count(row.status["readyReplicas"]), row.age,
            ] + Row.containers(row.spec[path: "template", "spec"] ?? [:]) + [Row.labels(row.spec["selector"])]
        }
    ]

    static let apps: [String: Printer] = [
        "deployments": Printer(
            [.name, .text("Ready"), .text("Up-to-date"), .text("Available"), .age] + template
        ) { row in
            [
                row.name, .string("\(row.status["readyReplicas"]?.int ?? 0)/\(row.spec["replicas"]?.int ?? 0)"),
                count(row.status["updatedReplicas"]), count(row.status["availableReplicas"]), row.age,
            ] + templateCells(row)
        },
        "replicasets": Printer(
            [.name, .number("Desired"), .number("Current"), .number("Ready"), .age] + template
        ) { row in
            [
                row.name, count(row.spec["replicas"]), count(row.status["replicas"]), count(row.status["readyReplicas"]), row.age,
            ] + templateCells(row)
        },
        "statefulsets": Printer([
            .name, .text("Ready"), .age, .text("Containers", wide: true), .text("Images", wide: true),
        ]) { row in
            [row.name, .string("\(row.status["readyReplicas"]?.int ?? 0)/\(row.spec["replicas"]?.int ?? 0)"), row.age]
                + Row.containers(row.spec[path: "template", "spec"] ?? [:])
        },
        "daemonsets": Printer(
            [
                .name, .number("Desired"), .number("Current"), .number("Ready"), .number("Up-to-date"), .number("Available"),
                .text("Node Selector"), .age,
            ] + template
        ) { row in
            [
                row.name, count(row.status["desiredNumberScheduled"]), count(row.status["currentNumberScheduled"]),
                count(row.status["numberReady"]), count(row.status["updatedNumberScheduled"]),
                count(row.status["numberAvailable"]), Row.labels(row.spec[path: "template", "spec", "nodeSelector"]), row.age,
            ] + templateCells(row)
        },
        "controllerrevisions": Printer([.name, .text("Controller"), .text("Revision"), .age]) { row in
            let owner = row.metadata["ownerReferences"]?.elements.first { $0["controller"]?.bool == true }
            let controller = owner.map { owner in
                let group = GroupVersion(apiVersion: owner.text("apiVersion")).group
                let kind = owner.text("kind").lowercased()
                return "\(kind)\(group.isEmpty ? "" : ".\(group)")/\(owner.text("name"))"
            }
            return [row.name, .string(controller ?? "<none>"), count(row.tree["revision"]), row.age]
        },
    ]

    static let batch: [String: Printer] = [
        "jobs": Printer([.name, .text("Status"), .text("Completions"), .text("Duration"), .age] + template) { row in
            [row.name, .string(jobStatus(row)), .string(jobCompletions(row)), .string(jobDuration(row)), row.age]
                + templateCells(row)
        },
        "cronjobs": Printer(
            [
                .name, .text("Schedule"), .text("Timezone"), .text("Suspend"), .number("Active"), .text("Last Schedule"), .age,
            ] + template
        ) { row in
            let job = row.spec[path: "jobTemplate", "spec"] ?? [:]
            let last = row.status["lastScheduleTime"]
            return [
                row.name, .string(row.spec.text("schedule")), Row.shown(row.spec.text("timeZone")),
                .string(row.spec["suspend"]?.bool == true ? "True" : "False"),
                .int(Int64(row.status["active"]?.elements.count ?? 0)),
                .string(last?.string == nil ? "<none>" : row.since(last)), row.age,
            ] + Row.containers(job[path: "template", "spec"] ?? [:]) + [Row.selector(job["selector"])]
        },
    ]

    private static func jobStatus(_ row: Row) -> String {
        func has(_ type: String) -> Bool {
            (row.status["conditions"]?.elements ?? []).contains { $0.text("type") == type && $0.text("status") == "True" }
        }
        if has("Complete") { return "Complete" }
        if has("Failed") { return "Failed" }
        if row.metadata.has("deletionTimestamp") { return "Terminating" }
        if has("Suspended") { return "Suspended" }
        if has("FailureTarget") { return "FailureTarget" }
        if has("SuccessCriteriaMet") { return "SuccessCriteriaMet" }
        return "Running"
    }

    private static func jobCompletions(_ row: Row) -> String {
        let succeeded = row.status["succeeded"]?.int ?? 0
        if let completions = row.spec["completions"]?.int { return "\(succeeded)/\(completions)" }
        let parallelism = row.spec["parallelism"]?.int ?? 0
        return parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1"
    }

    private static func jobDuration(_ row: Row) -> String {
        guard let text = row.status["startTime"]?.string, let start = Timestamp.parse(text) else { return "" }
        let end = row.status["completionTime"]?.string.flatMap { Timestamp.parse($0) } ?? row.now
        return HumanDuration.text(seconds: end - start)
    }
}
