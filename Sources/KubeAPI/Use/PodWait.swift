import KubeObject

/// What somebody waits for who needs a pod of a cluster that wakes.
enum PodWait {
    /// Whether a pod can be talked to, or never will.
    ///
    /// - Parameter container: empty for any.
    static func isUp(_ pod: Object, container: String, mustBeReady: Bool) -> Bool {
        let status = pod.tree["status"]
        let phase = status?["phase"]?.string
        if phase == "Succeeded" || phase == "Failed" || pod.metadata.deletionTimestamp != nil { return true }
        if mustBeReady {
            return status?["conditions"]?.elements.contains { $0["type"]?.string == "Ready" && $0["status"]?.string == "True" }
                ?? false
        }
        return Self.statuses(status).contains {
            (container.isEmpty || $0["name"]?.string == container) && $0["state"]?["running"] != nil
        }
    }

    /// Why it can't, for people.
    static func reason(_ pod: Object?) -> String {
        let reasons = Self.statuses(pod?.tree["status"]).compactMap { status -> String? in
            guard let reason = status[path: "state", "waiting", "reason"]?.string else { return nil }
            return "\(status["name"]?.string ?? "") waits: \(reason)"
        }
        return reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
    }

    private static func statuses(_ status: JSON?) -> [JSON] {
        ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"].flatMap { status?[$0]?.elements ?? [] }
    }
}
