import KubeObject

/// Node selectors and node affinity: which nodes a pod may run on.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
enum NodeSelection {
    static func matches(_ spec: JSON?, node: Object) -> Bool {
        let selector = spec?["nodeSelector"]?.stringMap ?? [:]
        guard selector.allSatisfy({ node.metadata.labels[$0.key] == $0.value }) else { return false }
        let required = spec?[path: "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        guard let required, !required.isNull else { return true }
        return matchesAnyTerm(required["nodeSelectorTerms"]?.elements ?? [], node: node)
    }

    /// Terms are alternatives; an empty term matches nothing.
    static func matchesAnyTerm(_ terms: [JSON], node: Object) -> Bool {
        terms.contains { term in
            let expressions = term["matchExpressions"]?.elements ?? []
            let fields = term["matchFields"]?.elements ?? []
            guard !(expressions.isEmpty && fields.isEmpty) else { return false }
            return expressions.allSatisfy { matches($0, value: node.metadata.labels[$0["key"]?.string ?? ""]) }
                && fields.allSatisfy { matches($0, value: $0["key"]?.string == "metadata.name" ? node.metadata.name : nil) }
        }
    }

    private static func matches(_ requirement: JSON, value: String?) -> Bool {
        let values = requirement["values"]?.strings ?? []
        switch requirement["operator"]?.string {
        case "In": return value.map(values.contains) ?? false
        case "NotIn": return !(value.map(values.contains) ?? false)
        case "Exists": return value != nil
        case "DoesNotExist": return value == nil
        case "Gt", "Lt":
            guard let value, let number = Int64(value), values.count == 1, let bound = Int64(values[0]) else { return false }
            return requirement["operator"]?.string == "Gt" ? number > bound : number < bound
        default: return false
        }
    }
}
