import KubeObject

/// How long a pod may stay on a node that has NoExecute taints.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
enum TaintEviction: Equatable {
    /// As long as it likes: nothing drives it away, or it tolerates that for ever.
    case stays
    /// So many seconds; none when a taint isn't tolerated at all.
    case leaves(after: Int64)

    init(_ pod: JSON, node: JSON) {
        let taints = (node[path: "spec", "taints"]?.elements ?? []).filter { $0["effect"]?.string == "NoExecute" }
        let tolerations = pod[path: "spec", "tolerations"]?.elements ?? []
        var shortest: Int64?
        for taint in taints {
            guard let used = tolerations.first(where: { Taints.tolerates($0, taint) }) else {
                self = .leaves(after: 0)
                return
            }
            guard let seconds = used["tolerationSeconds"]?.int else { continue }
            shortest = min(shortest ?? .max, max(0, seconds))
        }
        self = shortest.map { .leaves(after: $0) } ?? .stays
    }
}
