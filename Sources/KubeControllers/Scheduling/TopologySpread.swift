import KubeObject

/// Topology spread constraints, as far as one node shows them: with one domain the skew is that domain's own count, less the
/// smallest count, which `minDomains` makes zero while there are fewer domains.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
enum TopologySpread {
    static let mismatch = "node(s) didn't match pod topology spread constraints"
    static let missingLabel = "node(s) didn't match pod topology spread constraints (missing required label)"

    static func reason(_ pod: Object, node: Object, running: [Object]) -> String? {
        for constraint in pod.tree[path: "spec", "topologySpreadConstraints"]?.elements ?? []
        where constraint["whenUnsatisfiable"]?.string ?? "DoNotSchedule" == "DoNotSchedule" {
            guard node.metadata.labels[constraint["topologyKey"]?.string ?? ""] != nil else { return missingLabel }
            guard let selector = constraint["labelSelector"], !selector.isNull else { continue }
            let count = running.count { other in
                other.metadata.namespace == pod.metadata.namespace && other.metadata.deletionTimestamp == nil
                    && PodAffinity.selects(selector, other.metadata.labels)
                    && (constraint["matchLabelKeys"]?.strings ?? []).allSatisfy {
                        pod.metadata.labels[$0] == nil || pod.metadata.labels[$0] == other.metadata.labels[$0]
                    }
            }
            let own = PodAffinity.selects(selector, pod.metadata.labels) ? 1 : 0
            let smallest = constraint["minDomains"]?.int ?? 1 > 1 ? 0 : count
            if Int64(count + own - smallest) > constraint["maxSkew"]?.int ?? 1 { return mismatch }
        }
        return nil
    }
}
