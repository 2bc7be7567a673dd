import KubeControllers
import KubeObject

/// The condition `WithinQuota` of teams and clusters that have limits: False when nothing more fits of some resource, or there is more of it
/// than may be since the limit was lowered.
enum QuotaCondition {
    static let type = "WithinQuota"

    /// Sets the condition in an object's status; without limits there is none.
    static func write(to object: inout JSON, used: MachineAmounts?, _ limits: MachineLimits, now: String) {
        let known = Condition.find(type, in: object["status"])
        var conditions = (object[path: "status", "conditions"]?.elements ?? []).filter { $0["type"]?.string != type }
        if let used, !limits.isEmpty {
            var condition = condition(used: used, limits)
            condition.lastTransitionTime = known?.status == condition.status ? known?.lastTransitionTime : now
            conditions.append(condition.tree)
        } else if known == nil {
            return
        }
        object[path: "status", "conditions"] = .array(conditions)
    }

    static func condition(used: MachineAmounts, _ limits: MachineLimits) -> Condition {
        func list(_ resources: [MachineResource]) -> String {
            resources.map { "\(MachineAmounts.text(used[$0], $0)) of \(MachineAmounts.text(limits[$0] ?? 0, $0)) \($0.rawValue)" }
                .joined(separator: ", ")
        }
        let limited = MachineResource.allCases.filter { limits[$0] != nil }
        let over = limited.filter { used[$0] > limits[$0] ?? 0 }
        if !over.isEmpty {
            return Condition(
                type, .false, reason: "OverLimit",
                message: "There is more than may be: \(list(over)). What runs goes on; nothing is added until there is room.")
        }
        let full = limited.filter { used[$0] == limits[$0] }
        if !full.isEmpty { return Condition(type, .false, reason: "AtLimit", message: "Nothing more fits: \(list(full)).") }
        return Condition(type, .true, reason: "RoomLeft", message: "There is room: \(list(limited)).")
    }
}
