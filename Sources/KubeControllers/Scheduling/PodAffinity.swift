import KubeObject

/// Affinity and anti-affinity between pods that must be kept.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
enum PodAffinity {
    static let affinityRules = "node(s) didn't match pod affinity rules"
    static let antiAffinityRules = "node(s) didn't match pod anti-affinity rules"
    static let existingRules = "node(s) didn't satisfy existing pods anti-affinity rules"

    /// - Parameters:
    ///   - running: the pods that are bound to the node and not finished.
    ///   - placed: those on the others.
    ///   - namespaceLabels: the labels of a namespace, for terms that select namespaces.
    /// - Returns: why the pod doesn't fit, or nil.
    static func reason(
        _ pod: Object, node: Object, running: [Object], placed: PlacedPods, namespaceLabels: (String) -> [String: String]
    ) -> String? {
        func key(_ term: JSON) -> String { term["topologyKey"]?.string ?? "" }
        func isNear(_ term: JSON) -> Bool {
            (running + placed.near(node, by: key(term))).contains { matches(term, of: pod, $0, namespaceLabels) }
        }
        for term in terms(pod, "podAffinity") {
            guard node.metadata.labels[key(term)] != nil else { return affinityRules }
            if isNear(term) { continue }
            // The first pod of a group that wants to be together has nobody to be with yet.
            let isFirst = !placed.others(than: node).contains { other in
                placed.on(other).contains { matches(term, of: pod, $0, namespaceLabels) }
            }
            guard isFirst, matches(term, of: pod, pod, namespaceLabels) else { return affinityRules }
        }
        for term in terms(pod, "podAntiAffinity") where node.metadata.labels[key(term)] != nil && isNear(term) {
            return antiAffinityRules
        }
        func minds(_ other: Object, on home: Object) -> Bool {
            terms(other, "podAntiAffinity").contains { term in
                guard let place = node.metadata.labels[key(term)], home.metadata.labels[key(term)] == place else { return false }
                return matches(term, of: other, pod, namespaceLabels)
            }
        }
        let isMinded =
            running.contains { minds($0, on: node) }
            || placed.others(than: node).contains { home in placed.on(home).contains { minds($0, on: home) } }
        return isMinded ? existingRules : nil
    }

    private static func terms(_ pod: Object, _ kind: String) -> [JSON] {
        pod.tree[path: "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []
    }

    static func matches(
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
