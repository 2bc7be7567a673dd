import KubeObject

/// An autoscaler's status while it is being put together.
struct AutoscalerStatus {
    var tree: JSON
    private let time: String

    init(_ scaler: Object, now: Double) {
        tree = scaler.tree["status"] ?? [:]
        time = Timestamp.format(now)
    }

    mutating func set(_ type: String, _ status: Condition.Status, _ reason: String, _ message: String) {
        var conditions = [Condition](of: tree)
        conditions.update(Condition(type, status, reason: reason, message: message, lastTransitionTime: time))
        tree["conditions"] = conditions.tree
    }

    /// What became of what the metrics asked for.
    mutating func note(_ decision: AutoscalerBehavior.Decision, isSame: Bool) {
        switch decision.stabilized {
        case "ScaleDownStabilized"?:
            set(
                "AbleToScale", .true, "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation")
        case "ScaleUpStabilized"?:
            set(
                "AbleToScale", .true, "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation")
        default:
            if isSame { set("AbleToScale", .true, "ReadyForNewScale", "recommended size matches current size") }
        }
        if let limit = decision.limit {
            set("ScalingLimited", .true, limit.reason, limit.message)
        } else {
            set("ScalingLimited", .false, "DesiredWithinRange", "the desired count is within the acceptable range")
        }
    }
}
