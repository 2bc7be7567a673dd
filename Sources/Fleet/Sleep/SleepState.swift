import KubeControllers
import KubeObject

/// Whether a virtual cluster is awake, as its status says it: the condition `Awake`. A cluster that doesn't say is awake.
struct SleepState: Equatable {
    static let condition = "Awake"

    var isAwake: Bool
    /// Since when, in seconds since 1970.
    var since: Double
    var reason: String
    var message: String

    /// - Parameter cluster: a VirtualCluster.
    init(_ cluster: JSON) {
        let created = (cluster[path: "metadata", "creationTimestamp"]?.string).flatMap { Timestamp.parse($0) } ?? 0
        guard let condition = Condition.find(Self.condition, in: cluster["status"]) else {
            self.init(isAwake: true, since: created, reason: "Created", message: "The cluster was made.")
            return
        }
        self.init(
            isAwake: condition.status != .false, since: condition.lastTransitionTime.flatMap { Timestamp.parse($0) } ?? created,
            reason: condition.reason, message: condition.message)
    }

    init(isAwake: Bool, since: Double, reason: String, message: String) {
        self.isAwake = isAwake
        self.since = since
        self.reason = reason
        self.message = message
    }

    /// Says it in a status.
    func write(to status: inout JSON) {
        var conditions = (status["conditions"]?.elements ?? []).filter { $0["type"]?.string != Self.condition }
        conditions.append(
            Condition(
                Self.condition, isAwake ? .true : .false, reason: reason, message: String(message.prefix(1024)),
                lastTransitionTime: Timestamp.format(since)
            ).tree)
        status["conditions"] = .array(conditions)
        if status["phase"]?.string == (isAwake ? "Asleep" : "Ready") { status["phase"] = isAwake ? "Ready" : "Asleep" }
    }
}
