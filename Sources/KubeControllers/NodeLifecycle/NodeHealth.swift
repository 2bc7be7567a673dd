import KubeObject

/// Whether somebody still tells of a node.
/// Source: https://kubernetes.io/docs/reference/node/node-status/#heartbeats
enum NodeHealth {
    /// Without a sign for so many seconds a node's conditions are unknown (`--node-monitor-grace-period`).
    static let grace = 50.0
    /// Of one that has given none yet (`--node-startup-grace-period`).
    static let startupGrace = 60.0

    private static let types = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]

    /// What changes with every sign of life: the time that the node's status tells, and the one in its lease.
    static func sign(_ node: JSON, lease: JSON?) -> String {
        let ready = node[path: "status", "conditions"]?.elements.first { $0["type"]?.string == "Ready" }
        return "\(ready?["lastHeartbeatTime"]?.string ?? "") \(lease?[path: "spec", "renewTime"]?.string ?? "")"
    }

    /// How long a sign is good for, in seconds.
    static func grace(of node: JSON) -> Double {
        Condition.find("Ready", in: node["status"]) == nil ? startupGrace : grace
    }

    /// Whether nothing more can be said to be unknown.
    static func isUnknown(_ node: JSON) -> Bool {
        types.allSatisfy { Condition.find($0, in: node["status"])?.status == .unknown }
    }

    /// Says in a node's status that nobody tells of it any more.
    static func lapse(_ node: inout JSON, time: String) {
        let created = node[path: "metadata", "creationTimestamp"]?.string ?? time
        var conditions = node[path: "status", "conditions"]?.elements ?? []
        for type in types {
            guard let index = conditions.firstIndex(where: { $0["type"]?.string == type }) else {
                conditions.append([
                    "type": .string(type), "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.", "lastHeartbeatTime": .string(created),
                    "lastTransitionTime": .string(time),
                ])
                continue
            }
            guard conditions[index]["status"]?.string != "Unknown" else { continue }
            conditions[index]["status"] = "Unknown"
            conditions[index]["reason"] = "NodeStatusUnknown"
            conditions[index]["message"] = "Kubelet stopped posting node status."
            conditions[index]["lastTransitionTime"] = .string(time)
        }
        node[path: "status", "conditions"] = .array(conditions)
    }

    // MARK: Disruption

    /// With more nodes than these, one that isn't ready is judged by itself: zones are large then, and looking at all for each would take long.
    static let maximumCompared = 100

    /// Whether pods leave a node that isn't ready. Where nearly all nodes of a zone seem to be lost, the fault is more likely elsewhere.
    ///
    /// - Parameter nodes: all of the cluster.
    static func evicts(_ node: JSON, among nodes: [JSON]) -> Bool {
        let zones = Dictionary(grouping: nodes, by: zone)
        // All zones at once: it is us who don't see them.
        guard zones.values.contains(where: { $0.contains(where: isReady) }) else { return false }
        let zone = zones[zone(of: node)] ?? []
        let lost = zone.count { !isReady($0) }
        let isDisrupted = lost > 2 && Double(lost) / Double(zone.count) >= 0.55 && lost < zone.count
        return !isDisrupted || zone.count > 50
    }

    static func isReady(_ node: JSON) -> Bool { Condition.find("Ready", in: node["status"])?.status == .true }

    private static func zone(of node: JSON) -> String {
        let labels = node[path: "metadata", "labels"]
        return "\(labels?["topology.kubernetes.io/region"]?.string ?? "") \(labels?["topology.kubernetes.io/zone"]?.string ?? "")"
    }
}
