import KubeObject

/// What a pod has of resources as a whole, for its status (KEP-2837, KEP-5419): what its spec says of the pod, and of the rest what its containers have
/// together. Amounts keep the notation of the first that counts.
enum PodTotals {
    typealias Amounts = [String: Quantity]

    /// What is set aside for the pod; its overhead isn't counted.
    static func requests(of pod: Pod) -> JSON {
        var total: Amounts = [:]
        for container in pod.containers { add(amounts(container.tree, "requests"), to: &total) }
        var sidecars: Amounts = [:]
        var peak: Amounts = [:]
        for container in pod.initContainers {
            let own = amounts(container.tree, "requests")
            if container.role == .sidecar {
                add(own, to: &sidecars)
                peak.merge(sidecars) { max($0, $1) }
            } else {
                var during = sidecars
                add(own, to: &during)
                peak.merge(during) { max($0, $1) }
            }
        }
        add(sidecars, to: &total)
        total.merge(peak) { max($0, $1) }
        total.merge(amounts(pod.spec, "requests")) { $1 }
        return tree(total)
    }

    /// What holds the pod as a whole: of each resource that the pod, or every one of its containers, has a limit of.
    static func limits(of pod: Pod) -> JSON {
        let ofPod = amounts(pod.spec, "limits")
        let lasting = pod.containers + pod.initContainers.filter { $0.role == .sidecar }
        let own = lasting.map { amounts($0.tree, "limits") }
        var total = ofPod
        for name in ["cpu", "memory"] where ofPod[name] == nil {
            let values = own.compactMap { $0[name] }
            if values.count == own.count, let first = values.first { total[name] = values.dropFirst().reduce(first, +) }
        }
        return tree(total)
    }

    private static func amounts(_ holder: JSON, _ list: String) -> Amounts {
        (holder[path: "resources", list]?.object ?? [:]).reduce(into: [:]) { amounts, entry in
            amounts[entry.key] = ContainerResources.amount(entry.value)
        }
    }

    private static func add(_ amounts: Amounts, to total: inout Amounts) { total.merge(amounts) { $0 + $1 } }

    private static func tree(_ amounts: Amounts) -> JSON { JSON(amounts.mapValues { "\($0)" }) }
}
