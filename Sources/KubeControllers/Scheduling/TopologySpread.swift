import KubeObject

/// Topology spread constraints that must be kept.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
enum TopologySpread {
    static let mismatch = "node(s) didn't match pod topology spread constraints"
    static let missingLabel = "node(s) didn't match pod topology spread constraints (missing required label)"

    /// - Parameters:
    ///   - running: the pods on the node.
    ///   - placed: those on the others.
    static func reason(_ pod: Object, node: Object, running: [Object], placed: PlacedPods) -> String? {
        let constraints = (pod.tree[path: "spec", "topologySpreadConstraints"]?.elements ?? []).filter {
            $0["whenUnsatisfiable"]?.string ?? "DoNotSchedule" == "DoNotSchedule"
        }
        let keys = constraints.compactMap { $0["topologyKey"]?.string }
        for constraint in constraints {
            guard let place = node.metadata.labels[constraint["topologyKey"]?.string ?? ""] else { return missingLabel }
            guard let selector = constraint["labelSelector"], !selector.isNull else { continue }
            var counts = [place: count(constraint, for: pod, among: running)]
            for other in placed.others(than: node) where isCounted(other, constraint, pod, keys) {
                counts[other.metadata.labels[constraint["topologyKey"]?.string ?? ""] ?? "", default: 0] +=
                    count(constraint, for: pod, among: placed.on(other))
            }
            let own = PodAffinity.selects(selector, pod.metadata.labels) ? 1 : 0
            let isShort = Int64(counts.count) < constraint["minDomains"]?.int ?? 1
            let smallest = isShort ? 0 : counts.values.min() ?? 0
            if Int64((counts[place] ?? 0) + own - smallest) > constraint["maxSkew"]?.int ?? 1 { return mismatch }
        }
        return nil
    }

    /// Whether a node is among those over which pods are spread.
    private static func isCounted(_ node: Object, _ constraint: JSON, _ pod: Object, _ keys: [String]) -> Bool {
        let spec = pod.tree["spec"]
        guard keys.allSatisfy({ node.metadata.labels[$0] != nil }) else { return false }
        if constraint["nodeAffinityPolicy"]?.string ?? "Honor" == "Honor", !NodeSelection.matches(spec, node: node) {
            return false
        }
        guard constraint["nodeTaintsPolicy"]?.string == "Honor" else { return true }
        let tolerations = spec?["tolerations"]?.elements ?? []
        return Taints.untolerated(node.tree, tolerations: tolerations, effects: ["NoSchedule", "NoExecute"]).isEmpty
    }

    /// How many of some pods a constraint counts.
    static func count(_ constraint: JSON, for pod: Object, among pods: [Object]) -> Int {
        guard let selector = constraint["labelSelector"], !selector.isNull else { return 0 }
        return pods.count { other in
            other.metadata.namespace == pod.metadata.namespace && other.metadata.deletionTimestamp == nil
                && PodAffinity.selects(selector, other.metadata.labels)
                && (constraint["matchLabelKeys"]?.strings ?? []).allSatisfy {
                    pod.metadata.labels[$0] == nil || pod.metadata.labels[$0] == other.metadata.labels[$0]
                }
        }
    }
}
