import KubeObject

extension Printers {
    static let access: [String: Printer] = {
        let binding = Printer([
            .name, .text("Role"), .age, .text("Users", wide: true), .text("Groups", wide: true),
            .text("ServiceAccounts", wide: true),
        ]) { row in
            let subjects = row.tree["subjects"]?.elements ?? []
            func names(_ kind: String) -> JSON {
                .string(
                    subjects.filter { $0.text("kind") == kind }.map {
                        kind == "ServiceAccount" ? "\($0.text("namespace"))/\($0.text("name"))" : $0.text("name")
                    }.joined(separator: ", "))
            }
            let role = row.tree["roleRef"] ?? [:]
            return [
                row.name, .string("\(role.text("kind"))/\(role.text("name"))"), row.age, names("User"), names("Group"),
                names("ServiceAccount"),
            ]
        }
        return ["rolebindings": binding, "clusterrolebindings": binding]
    }()

    static let policy: [String: Printer] = [
        "poddisruptionbudgets": Printer([
            .name, .text("Min Available"), .text("Max Unavailable"), .number("Allowed Disruptions"), .age,
        ]) { row in
            func shown(_ value: JSON?) -> JSON { value.flatMap(quantityText).map { .string($0) } ?? "N/A" }
            return [
                row.name, shown(row.spec["minAvailable"]), shown(row.spec["maxUnavailable"]),
                .int(row.status["disruptionsAllowed"]?.int ?? 0), row.age,
            ]
        }
    ]

    static let autoscaling: [String: Printer] = [
        "horizontalpodautoscalers": Printer([
            .name, .text("Reference"), .text("Targets"), .text("MinPods"), .text("MaxPods"), .text("Replicas"), .age,
        ]) { row in
            let tree =
                row.tree.text("apiVersion") == "autoscaling/v1"
                ? HorizontalPodAutoscalerConversion.v2(fromV1: row.tree) : row.tree
            let target = row.spec["scaleTargetRef"] ?? [:]
            return [
                row.name, .string("\(target.text("kind"))/\(target.text("name"))"), .string(metrics(tree)),
                .string(row.spec["minReplicas"]?.int.map { String($0) } ?? "<unset>"), .int(row.spec["maxReplicas"]?.int ?? 0),
                .int(row.status["currentReplicas"]?.int ?? 0), row.age,
            ]
        }
    ]

    private static func metrics(_ tree: JSON) -> String {
        let specs = tree[path: "spec", "metrics"]?.elements ?? []
        let statuses = tree[path: "status", "currentMetrics"]?.elements ?? []
        if specs.isEmpty { return "<none>" }
        var shown: [String] = []
        for (index, spec) in specs.prefix(2).enumerated() {
            let type = spec.text("type")
            let key = type.prefix(1).lowercased() + type.dropFirst()
            let target = spec[key]?["target"] ?? [:]
            let current = index < statuses.count ? statuses[index][key]?["current"] ?? [:] : [:]
            let name = type == "Resource" || type == "ContainerResource" ? "\(spec[key]?.text("name") ?? ""): " : ""
            if let percent = target["averageUtilization"]?.int {
                shown.append("\(name)\(current["averageUtilization"]?.int.map { "\($0)%" } ?? "<unknown>")/\(percent)%")
            } else {
                let field = target.has("averageValue") ? "averageValue" : "value"
                let wanted = target[field].flatMap(quantityText) ?? ""
                let suffix = field == "averageValue" && type != "Resource" && type != "Pods" ? " (avg)" : ""
                shown.append("\(name)\(current[field].flatMap(quantityText) ?? "<unknown>")/\(wanted)\(suffix)")
            }
        }
        let rest = specs.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " + \(rest) more..." : "")
    }

    static let coordination: [String: Printer] = [
        "leases": Printer([.name, .text("Holder"), .age]) { row in
            [row.name, .string(row.spec.text("holderIdentity")), row.age]
        }
    ]

    static let scheduling: [String: Printer] = [
        "priorityclasses": Printer([
            .name, .number("Value"), .truth("Global-Default"), .age, .text("PreemptionPolicy"),
        ]) { row in
            [
                row.name, .int(row.tree["value"]?.int ?? 0), .bool(row.tree["globalDefault"]?.bool ?? false), row.age,
                .string(row.tree["preemptionPolicy"]?.string ?? "PreemptLowerPriority"),
            ]
        }
    ]

    static let node: [String: Printer] = [
        "runtimeclasses": Printer([.name, .text("Handler"), .age]) { row in
            [row.name, .string(row.tree.text("handler")), row.age]
        }
    ]

    static let certificates: [String: Printer] = [
        "certificatesigningrequests": Printer([
            .name, .age, .text("SignerName"), .text("Requestor"), .text("RequestedDuration"), .text("Condition"),
        ]) { row in
            let conditions = row.status["conditions"]?.elements ?? []
            func has(_ type: String) -> Bool { conditions.contains { $0.text("type") == type } }
            var states: [String] = []
            if has("Denied") {
                states.append("Denied")
            } else if has("Approved") {
                states.append("Approved")
            } else {
                states.append("Pending")
            }
            if has("Failed") { states.append("Failed") }
            if row.status.has("certificate") { states.append("Issued") }
            return [
                row.name, row.age, Row.shown(row.spec.text("signerName")), .string(row.spec.text("username")),
                .string(row.spec["expirationSeconds"]?.int.map { HumanDuration.text(seconds: Double($0)) } ?? "<none>"),
                .string(states.joined(separator: ",")),
            ]
        }
    ]

    static let admissionRegistration: [String: Printer] = {
        let webhooks = Printer([.name, .number("Webhooks"), .age]) { row in
            [row.name, .int(Int64(row.tree["webhooks"]?.elements.count ?? 0)), row.age]
        }
        let bindings = Printer([.name, .text("PolicyName"), .text("ParamRef"), .age]) { row in
            let reference = row.spec.present("paramRef")
            let name = reference.map { ref in
                ref.text("namespace").isEmpty ? ref.text("name") : "\(ref.text("namespace"))/\(ref.text("name"))"
            }
            return [row.name, .string(row.spec.text("policyName")), .string(name ?? "<unset>"), row.age]
        }
        func policies(_ column: String, _ key: String) -> Printer {
            Printer([.name, .number(column), .text("ParamKind"), .age]) { row in
                let kind = row.spec.present("paramKind")
                return [
                    row.name, .int(Int64(row.spec[key]?.elements.count ?? 0)),
                    .string(kind.map { "\($0.text("apiVersion"))/\($0.text("kind"))" } ?? "<unset>"), row.age,
                ]
            }
        }
        return [
            "mutatingwebhookconfigurations": webhooks, "validatingwebhookconfigurations": webhooks,
            "mutatingadmissionpolicies": policies("Mutations", "mutations"),
            "validatingadmissionpolicies": policies("Validations", "validations"),
            "mutatingadmissionpolicybindings": bindings, "validatingadmissionpolicybindings": bindings,
        ]
    }()

    /// Dynamic resource allocation.
    static let devices: [String: Printer] = {
        let plain = Printer([.name, .age]) { row in [row.name, row.age] }
        return [
            "deviceclasses": plain, "resourceclaimtemplates": plain,
            "resourceclaims": Printer([.name, .text("State"), .age]) { row in
                let isDeleted = row.metadata.has("deletionTimestamp")
                var states = isDeleted ? ["deleted"] : []
                if row.status.present("allocation") != nil {
                    states.append("allocated")
                    if !(row.status["reservedFor"]?.isEmpty ?? true) { states.append("reserved") }
                } else if !isDeleted {
                    states.append("pending")
                }
                return [row.name, .string(states.joined(separator: ",")), row.age]
            },
            "resourceslices": Printer([.name, .text("Node"), .text("Driver"), .text("Pool"), .age]) { row in
                [
                    row.name, .string(row.spec.text("nodeName")), .string(row.spec.text("driver")),
                    .string(row.spec["pool"]?.text("name") ?? ""), row.age,
                ]
            },
        ]
    }()

    static let flowControl: [String: Printer] = [
        "flowschemas": Printer([
            .name, .text("PriorityLevel"), .text("MatchingPrecedence"), .text("DistinguisherMethod"), .age, .text("MissingPL"),
        ]) { row in
            let dangling = row.status["conditions"]?.elements.first { $0.text("type") == "Dangling" }
            return [
                row.name, .string(row.spec["priorityLevelConfiguration"]?.text("name") ?? ""),
                .int(row.spec["matchingPrecedence"]?.int ?? 0),
                Row.shown(row.spec["distinguisherMethod"]?.text("type") ?? ""), row.age, .string(dangling?.text("status") ?? "?"),
            ]
        },
        "prioritylevelconfigurations": Printer([
            .name, .text("Type"), .text("NominalConcurrencyShares"), .text("Queues"), .text("HandSize"),
            .text("QueueLengthLimit"),
            .age,
        ]) { row in
            let limited = row.spec["limited"] ?? row.spec["exempt"] ?? [:]
            let queuing = limited[path: "limitResponse", "queuing"]
            func shown(_ value: JSON?) -> JSON { .string(value?.int.map { String($0) } ?? "<none>") }
            return [
                row.name, .string(row.spec.text("type")), shown(limited["nominalConcurrencyShares"]), shown(queuing?["queues"]),
                shown(queuing?["handSize"]), shown(queuing?["queueLengthLimit"]), row.age,
            ]
        },
    ]

    static let apiRegistration: [String: Printer] = [
        "apiservices": Printer([.name, .text("Service"), .text("Available"), .age]) { row in
            let service = row.spec["service"].flatMap { $0.isNull ? nil : $0 }
            let condition = row.status["conditions"]?.elements.first { $0.text("type") == "Available" }
            var available = condition?.text("status") ?? "Unknown"
            if available != "True", let reason = condition?.text("reason"), !reason.isEmpty { available += " (\(reason))" }
            return [
                row.name, .string(service.map { "\($0.text("namespace"))/\($0.text("name"))" } ?? "Local"), .string(available),
                row.age,
            ]
        }
    ]
}
