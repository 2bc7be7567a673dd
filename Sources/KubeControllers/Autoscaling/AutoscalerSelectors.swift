import KubeObject

/// Which pods the autoscalers of a cluster size workloads by, to tell when two of them pull at the same pods.
///
/// Two that do would undo each other's work in turn, so neither may go on. What is known is what each found when it last looked, as upstream
/// has it.
struct AutoscalerSelectors {
    /// So many comparisons of a selector with a pod an autoscaler may cost at a time. With more autoscalers and pods in a namespace than that,
    /// which no workload needs but a tenant could make, an overlap may go unnoticed.
    static let limit = 20_000

    private var byNamespace: [String: [String: LabelSelector]] = [:]

    /// Notes what an autoscaler selects.
    mutating func note(_ selector: LabelSelector, of name: ObjectName) {
        byNamespace[name.namespace, default: [:]][name.name] = selector
    }

    mutating func forget(_ name: ObjectName) {
        byNamespace[name.namespace]?[name.name] = nil
        if byNamespace[name.namespace]?.isEmpty ?? false { byNamespace[name.namespace] = nil }
    }

    /// All autoscalers of a namespace that select one of the pods, in order.
    func names(selecting pods: [Object], in namespace: String) -> [String] {
        let selectors = byNamespace[namespace] ?? [:]
        guard selectors.count > 1 else { return Array(selectors.keys) }
        let labels = pods.prefix(Self.limit / selectors.count).map(\.metadata.labels)
        return selectors.filter { selector in labels.contains { selector.value.matches($0) } }.keys.sorted()
    }
}
