import KubeObject

/// The taints that a node has by its conditions, and because it is cordoned.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-nodes-by-condition
enum NodeTaints {
    private static let prefix = "node.kubernetes.io/"
    static let notReady = prefix + "not-ready"
    static let unreachable = prefix + "unreachable"

    /// What keeps new pods away: the condition, the status that does so, and the taint.
    private static let byCondition: [(type: String, status: Condition.Status, key: String)] = [
        ("Ready", .false, notReady), ("Ready", .unknown, unreachable), ("MemoryPressure", .true, prefix + "memory-pressure"),
        ("DiskPressure", .true, prefix + "disk-pressure"), ("NetworkUnavailable", .true, prefix + "network-unavailable"),
        ("PIDPressure", .true, prefix + "pid-pressure"),
    ]
    private static let unschedulable = prefix + "unschedulable"

    /// A node's taints as they should be; nil when they are so.
    ///
    /// - Parameters:
    ///   - evicts: whether pods may be made to leave a node because it isn't ready.
    ///   - time: RFC 3339, when the taints are added that aren't there yet.
    static func right(for node: JSON, evicts: Bool, time: String) -> [JSON]? {
        let present = node[path: "spec", "taints"]?.elements ?? []
        let (schedule, execute) = wanted(of: node)
        let hadToLeave = present.contains { $0["effect"]?.string == "NoExecute" && isOfReadiness($0) }
        let wantedHere =
            schedule.map { ($0, "NoSchedule") } + (execute.map { [($0, "NoExecute")] } ?? []).filter { _ in evicts || hadToLeave }
        var right = present.filter { taint in
            !isManaged(taint) || wantedHere.contains { $0.0 == taint["key"]?.string && $0.1 == taint["effect"]?.string }
        }
        for (key, effect) in wantedHere
        where !right.contains(where: { $0["key"]?.string == key && $0["effect"]?.string == effect }) {
            right.append(["key": .string(key), "effect": .string(effect), "timeAdded": .string(time)])
        }
        return right == present ? nil : right
    }

    /// What keeps new pods away, and what makes those that are there leave.
    private static func wanted(of node: JSON) -> (schedule: [String], execute: String?) {
        let conditions = [Condition](of: node["status"])
        var schedule = byCondition.filter { conditions[type: $0.type]?.status == $0.status }.map(\.key)
        if node[path: "spec", "unschedulable"]?.bool ?? false { schedule.append(unschedulable) }
        let execute: String? =
            switch conditions[type: "Ready"]?.status {
            case .false: notReady
            case .unknown: unreachable
            case .true, nil: nil
            }
        return (schedule, execute)
    }

    /// Whether a taint is added and removed here, and by nobody else.
    private static func isManaged(_ taint: JSON) -> Bool {
        switch taint["effect"]?.string {
        case "NoSchedule":
            guard let key = taint["key"]?.string else { return false }
            return key == unschedulable || byCondition.contains { $0.key == key }
        case "NoExecute": return isOfReadiness(taint)
        default: return false
        }
    }

    private static func isOfReadiness(_ taint: JSON) -> Bool {
        taint["key"]?.string == notReady || taint["key"]?.string == unreachable
    }
}
