import KubeObject

/// Which rule of a job's pod failure policy a failed pod matches.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
enum PodFailurePolicy {
    enum Verdict: Equatable {
        case count
        case ignore
        case failIndex
        case failJob(message: String)
    }

    static func decide(_ pod: JobPod, rules: [JSON]) -> Verdict {
        for (index, rule) in rules.enumerated() {
            guard let match = matches(pod.pod.object, rule) else { continue }
            switch rule["action"]?.string {
            case "Ignore": return .ignore
            case "FailIndex": return .failIndex
            case "FailJob": return .failJob(message: "\(match) matching FailJob rule at index \(index)")
            default: return .count
            }
        }
        return .count
    }

    /// - Returns: what matched, in words; nil when the rule doesn't apply.
    private static func matches(_ pod: Object, _ rule: JSON) -> String? {
        let name = "\(pod.metadata.namespace)/\(pod.metadata.name)"
        let status = pod.tree["status"]
        if let onExitCodes = rule["onExitCodes"], !onExitCodes.isNull {
            let values = (onExitCodes["values"]?.elements ?? []).compactMap(\.int)
            let isIn = onExitCodes["operator"]?.string == "In"
            let wanted = onExitCodes["containerName"]?.string
            let statuses = (status?["containerStatuses"]?.elements ?? []) + (status?["initContainerStatuses"]?.elements ?? [])
            for container in statuses {
                let containerName = container["name"]?.string ?? ""
                guard wanted == nil || wanted == containerName,
                    let code = container[path: "state", "terminated", "exitCode"]?.int, code != 0, values.contains(code) == isIn
                else { continue }
                return "Container \(containerName) for pod \(name) failed with exit code \(code)"
            }
            return nil
        }
        for pattern in rule["onPodConditions"]?.elements ?? [] {
            guard let type = pattern["type"]?.string, let condition = Condition.find(type, in: status) else { continue }
            if condition.status.rawValue == pattern["status"]?.string ?? "True" { return "Pod \(name) has condition \(type)" }
        }
        return nil
    }
}
