import KubeObject

/// What a pod asks for, in quantities.
enum PodUsage {
    /// The quantities of a resource list; what can't be read is left out.
    static func amounts(_ list: JSON?) -> [String: Quantity] {
        var result: [String: Quantity] = [:]
        for (name, value) in list?.object ?? [:] {
            if let text = quantityText(value), let quantity = Result(catching: { try Quantity(text) }).value {
                result[name] = quantity
            }
        }
        return result
    }

    /// What quotas count of the pod's `requests` or `limits`.
    static func total(of pod: JSON, _ list: String) -> [String: Quantity] {
        let prefix = "\(list)."
        let usage = QuotaUsage.of(pod, GroupResource(group: "", resource: "pods"), now: Timestamp.seconds)
        return usage.reduce(into: [:]) { result, entry in
            if entry.key.hasPrefix(prefix) { result[String(entry.key.dropFirst(prefix.count))] = entry.value }
        }
    }
}
