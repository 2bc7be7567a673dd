import KubeObject

extension Printers {
    static let clusterOfCore: [String: Printer] = [
        "namespaces": Printer([.name, .text("Status"), .age]) { row in [row.name, .string(row.status.text("phase")), row.age] },
        "configmaps": Printer([.name, .text("Data"), .age]) { row in
            let count = (row.tree["data"]?.object?.count ?? 0) + (row.tree["binaryData"]?.object?.count ?? 0)
            return [row.name, .int(Int64(count)), row.age]
        },
        "secrets": Printer([.name, .text("Type"), .text("Data"), .age]) { row in
            [row.name, .string(row.tree.text("type")), .int(Int64(row.tree["data"]?.object?.count ?? 0)), row.age]
        },
        "serviceaccounts": Printer([.name, .text("Secrets"), .age]) { row in
            [row.name, .int(Int64(row.tree["secrets"]?.elements.count ?? 0)), row.age]
        },
        "nodes": Printer([
            .name, .text("Status"), .text("Roles"), .age, .text("Version"), .text("Internal-IP", wide: true),
            .text("External-IP", wide: true), .text("OS-Image", wide: true), .text("Kernel-Version", wide: true),
            .text("Container-Runtime", wide: true),
        ]) { nodeCells($0) },
        "events": Printer([
            .text("Last Seen"), .text("Type"), .text("Reason"), .text("Object"), .text("Subobject", wide: true),
            .text("Source", wide: true), .text("Message"), .text("First Seen", wide: true), .text("Count", wide: true),
            Column(name: "Name", type: "string", format: "name", priority: 1),
        ]) { eventCells($0) },
        "resourcequotas": Printer([.name, .text("Request"), .text("Limit"), .age]) { row in
            var requests: [String] = []
            var limits: [String] = []
            for (name, hard) in row.status["hard"]?.object ?? [:] {
                let used = row.status[path: "used", name].flatMap(quantityText) ?? "0"
                let text = "\(name): \(used)/\(quantityText(hard) ?? "")"
                if name.hasPrefix("limits.") { limits.append(text) } else { requests.append(text) }
            }
            return [row.name, .string(requests.joined(separator: ", ")), .string(limits.joined(separator: ", ")), row.age]
        },
        "componentstatuses": Printer([.name, .text("Status"), .text("Message"), .text("Error")]) { row in
            let condition = row.tree["conditions"]?.elements.first { $0.text("type") == "Healthy" } ?? [:]
            let status =
                condition.text("status") == "True" ? "Healthy" : condition.text("status") == "False" ? "Unhealthy" : "Unknown"
            return [row.name, .string(status), .string(condition.text("message")), .string(condition.text("error"))]
        },
    ]

    private static func nodeCells(_ row: Row) -> [JSON] {
        let ready = row.status["conditions"]?.elements.first { $0.text("type") == "Ready" }
        var states = [ready.map { $0.text("status") == "True" ? "Ready" : "NotReady" } ?? "Unknown"]
        if row.spec["unschedulable"]?.bool == true { states.append("SchedulingDisabled") }
        var roles: Set<String> = []
        for (key, value) in row.metadata["labels"]?.stringMap ?? [:] {
            let prefix = "node-role.kubernetes.io/"
            if key.hasPrefix(prefix), key.count > prefix.count {
                roles.insert(String(key.dropFirst(prefix.count)))
            } else if key == "kubernetes.io/role", !value.isEmpty {
                roles.insert(value)
            }
        }
        func address(_ type: String) -> String {
            row.status["addresses"]?.elements.first { $0.text("type") == type }?.text("address") ?? ""
        }
        let info = row.status["nodeInfo"] ?? [:]
        return [
            row.name, .string(states.joined(separator: ",")), Row.shown(roles.sorted().joined(separator: ",")), row.age,
            .string(info.text("kubeletVersion")), Row.shown(address("InternalIP")), Row.shown(address("ExternalIP")),
            Row.shown(info.text("osImage"), "<unknown>"), Row.shown(info.text("kernelVersion"), "<unknown>"),
            Row.shown(info.text("containerRuntimeVersion"), "<unknown>"),
        ]
    }

    private static func eventCells(_ row: Row) -> [JSON] {
        let tree = row.tree.text("apiVersion") == "v1" ? row.tree : EventConversion.core(fromEvents: row.tree)
        let first = tree.has("firstTimestamp") ? tree["firstTimestamp"] : tree["eventTime"]
        var last = tree.has("lastTimestamp") ? row.since(tree["lastTimestamp"]) : row.since(first)
        var count = tree["count"]?.int ?? 1
        if let series = tree["series"], !series.isNull {
            last = row.since(series["lastObservedTime"])
            count = series["count"]?.int ?? count
        }
        let object = tree["involvedObject"] ?? [:]
        let target = object.text("name").isEmpty ? "" : "/" + object.text("name")
        let component = tree["source"]?.text("component") ?? ""
        let host = tree["source"]?.text("host") ?? ""
        let source =
            component.isEmpty
            ? [tree.text("reportingComponent"), tree.text("reportingInstance")] : host.isEmpty ? [component] : [component, host]
        return [
            .string(last), .string(tree.text("type")), .string(tree.text("reason")),
            .string(object.text("kind").lowercased() + target), .string(object.text("fieldPath")),
            .string(source.filter { !$0.isEmpty }.joined(separator: ", ")),
            .string(trimmed(tree.text("message"))), .string(row.since(first)), .string(String(max(count, 1))), row.name,
        ]
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        return String(text)
    }
}
