import KubeObject

/// Taints of nodes and tolerations of pods.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
enum Taints {
    /// The taints of `node` with one of these effects that the pod doesn't tolerate.
    static func untolerated(_ node: JSON, tolerations: [JSON], effects: Set<String>) -> [JSON] {
        (node[path: "spec", "taints"]?.elements ?? []).filter { taint in
            effects.contains(taint["effect"]?.string ?? "") && !tolerations.contains { tolerates($0, taint) }
        }
    }

    static func tolerates(_ toleration: JSON, _ taint: JSON) -> Bool {
        let effect = toleration["effect"]?.string ?? ""
        guard effect.isEmpty || effect == taint["effect"]?.string else { return false }
        let key = toleration["key"]?.string ?? ""
        guard key.isEmpty || key == taint["key"]?.string else { return false }
        let value = taint["value"]?.string ?? ""
        switch toleration["operator"]?.string ?? "Equal" {
        case "", "Equal": return toleration["value"]?.string ?? "" == value
        case "Exists": return true
        case "Gt", "Lt":
            guard let bound = (toleration["value"]?.string).flatMap({ Int64($0) }), let number = Int64(value) else {
                return false
            }
            return toleration["operator"]?.string == "Gt" ? number > bound : number < bound
        default: return false
        }
    }
}
