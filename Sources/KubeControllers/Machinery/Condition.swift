public import KubeObject

/// One entry of a `status.conditions` list.
public struct Condition: Sendable, Hashable {
    public enum Status: String, Sendable {
        case `true` = "True"
        case `false` = "False"
        case unknown = "Unknown"
    }

    public var type: String
    public var status: Status
    public var reason: String
    public var message: String
    /// RFC 3339; nil leaves the field out.
    public var lastTransitionTime: String?
    /// RFC 3339; only deployments have it.
    public var lastUpdateTime: String?
    /// Only jobs and pods have it.
    public var lastProbeTime: String?

    public init(
        _ type: String, _ status: Status, reason: String = "", message: String = "", lastTransitionTime: String? = nil,
        lastUpdateTime: String? = nil, lastProbeTime: String? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
        self.lastUpdateTime = lastUpdateTime
        self.lastProbeTime = lastProbeTime
    }

    public init(_ tree: JSON) {
        self.init(
            tree["type"]?.string ?? "", tree["status"]?.string.flatMap(Status.init) ?? .unknown,
            reason: tree["reason"]?.string ?? "", message: tree["message"]?.string ?? "",
            lastTransitionTime: tree["lastTransitionTime"]?.string, lastUpdateTime: tree["lastUpdateTime"]?.string,
            lastProbeTime: tree["lastProbeTime"]?.string)
    }

    public var tree: JSON {
        var tree: JSON = ["type": .string(type), "status": .string(status.rawValue)]
        if !reason.isEmpty { tree["reason"] = .string(reason) }
        if !message.isEmpty { tree["message"] = .string(message) }
        if let lastTransitionTime { tree["lastTransitionTime"] = .string(lastTransitionTime) }
        if let lastUpdateTime { tree["lastUpdateTime"] = .string(lastUpdateTime) }
        if let lastProbeTime { tree["lastProbeTime"] = .string(lastProbeTime) }
        return tree
    }

    /// The condition of this type in `status.conditions`.
    public static func find(_ type: String, in status: JSON?) -> Condition? {
        guard case .array(let conditions)? = status?["conditions"] else { return nil }
        return conditions.first { $0["type"]?.string == type }.map(Condition.init)
    }
}

extension Array where Element == Condition {
    /// The conditions of a status, in their order.
    init(of status: JSON?) { self = status?["conditions"]?.elements.map(Condition.init) ?? [] }

    subscript(type type: String) -> Condition? { first { $0.type == type } }

    mutating func remove(type: String) { removeAll { $0.type == type } }

    /// Sets a condition the way workloads' controllers do: nothing changes while status and reason stay; the transition time
    /// stays while the status stays; what is new goes to the end.
    mutating func set(_ condition: Condition) {
        var condition = condition
        if let current = self[type: condition.type] {
            if current.status == condition.status, current.reason == condition.reason { return }
            if current.status == condition.status { condition.lastTransitionTime = current.lastTransitionTime }
        }
        remove(type: condition.type)
        append(condition)
    }

    /// Sets a condition in its place: the transition time changes with the status, everything else is as given.
    mutating func update(_ condition: Condition) {
        guard let index = firstIndex(where: { $0.type == condition.type }) else { return append(condition) }
        var condition = condition
        if self[index].status == condition.status { condition.lastTransitionTime = self[index].lastTransitionTime }
        self[index] = condition
    }

    /// As a status has it; nil when there are none.
    var tree: JSON? { isEmpty ? nil : .array(map(\.tree)) }
}
