import KubeObject

/// Affinity and anti-affinity between pods, as far as one node shows it: every pod that runs at all runs on this node, so a
/// topology domain is the node's if the node has the label, and nobody's otherwise.
enum PodAffinity {
    static let affinityRules = "node(s) didn't match pod affinity rules"
    static let antiAffinityRules = "node(s) didn't match pod anti-affinity rules"
    static let existingRules = "node(s) didn't satisfy existing pods anti-affinity rules"

    /// - Parameters:
    ///   - running: the pods that are bound to the node and not finished.
    ///   - namespaceLabels: the labels of a namespace, for terms that select namespaces.
    /// - Returns: why the pod doesn't fit, or nil.
    static func reason(
        _ pod: Object, node: Object, running: [Object], namespaceLabels: (String) -> [String: String]
    ) -> String? {
        for term in terms(pod, "podAffinity") {
            guard node.metadata.labels[term["topologyKey"]?.string ?? ""] != nil else { return affinityRules }
            if running.contains(where: { matches(term, of: pod, $0, namespaceLabels) }) { continue }
            // The first pod of a group that wants to be together has nobody to be with yet.
            guard matches(term, of: pod, pod, namespaceLabels) else { return affinityRules }
        }
        for term in terms(pod, "podAntiAffinity") where node.metadata.labels[term["topologyKey"]?.string ?? ""] != nil {
            if running.contains(where: { matches(term, of: pod, $0, namespaceLabels) }) { return antiAffinityRules }
        }
        for other in running {
            for term in terms(other, "podAntiAffinity") where node.metadata.labels[term["topologyKey"]?.string ?? ""] != nil {
                if matches(term, of: other, pod, namespaceLabels) { return existingRules }
            }
        }
        return nil
    }

    private static func terms(_ pod: Object, _ kind: String) -> [JSON] {
        pod.tree[path: "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []
    }

    private static func matches(
        _ term: JSON, of owner: Object, _ other: Object, _ namespaceLabels: (String) -> [String: String]
    ) -> Bool {
        var namespaces = Set(term["namespaces"]?.strings ?? [])
        let namespaceSelector = term["namespaceSelector"].flatMap { $0.isNull ? nil : $0 }
        if namespaces.isEmpty, namespaceSelector == nil { namespaces = [owner.metadata.namespace] }
        let isNamespaceSelected =
            namespaces.contains(other.metadata.namespace)
            || namespaceSelector.map { selects($0, namespaceLabels(other.metadata.namespace)) } ?? false
        guard isNamespaceSelected, let selector = term["labelSelector"], !selector.isNull else { return false }
        guard selects(selector, other.metadata.labels) else { return false }
        let labels = owner.metadata.labels
        func has(_ key: String, same: Bool) -> Bool {
            guard let value = labels[key] else { return true }
            return (other.metadata.labels[key] == value) == same
        }
        return (term["matchLabelKeys"]?.strings ?? []).allSatisfy { has($0, same: true) }
            && (term["mismatchLabelKeys"]?.strings ?? []).allSatisfy { has($0, same: false) }
    }

    /// A selector that can't be read selects nothing.
    static func selects(_ selector: JSON, _ labels: [String: String]) -> Bool {
        guard let selector = try? LabelSelector(selector) else { return false }
        return selector.matches(labels)
    }
}
