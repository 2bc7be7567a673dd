import KubeObject
import KubeRegistry

/// Which of the nodes that a pod fits on it is bound to: upstream's scores, each from 0 to 100, with upstream's weights.
/// Source: https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
///
/// Where the images are isn't counted: all of this machine's nodes have the same.
struct NodeScore {
    let pod: Object
    let placed: PlacedPods
    let namespaceLabels: (String) -> [String: String]

    /// - Parameter nodes: not empty; of equal ones the first.
    func best(of nodes: [Object]) -> Object? {
        guard nodes.count > 1 else { return nodes.first }
        let scores = [
            (3.0, Self.normalized(nodes.map(untolerated), isLessBetter: true)), (2, Self.normalized(nodes.map(affinity))),
            (2, Self.normalized(nodes.map(alike), isLessBetter: true)), (2, Self.normalized(nodes.map(company))),
            (1, nodes.map(room)),
        ]
        let totals = nodes.indices.map { index in scores.reduce(0) { $0 + $1.0 * $1.1[index] } }
        guard let most = totals.max(), let index = totals.firstIndex(of: most) else { return nodes.first }
        return nodes[index]
    }

    /// The best gets 100, and nobody less than 0.
    static func normalized(_ values: [Double], isLessBetter: Bool = false) -> [Double] {
        let (least, most) = (values.min() ?? 0, values.max() ?? 0)
        guard most > least else { return values.map { _ in isLessBetter || most > 0 ? 100 : 0 } }
        return values.map { 100 * (isLessBetter ? most - $0 : $0 - least) / (most - least) }
    }

    private func untolerated(_ node: Object) -> Double {
        let tolerations = pod.tree[path: "spec", "tolerations"]?.elements ?? []
        return Double(Taints.untolerated(node.tree, tolerations: tolerations, effects: ["PreferNoSchedule"]).count)
    }

    private func affinity(_ node: Object) -> Double {
        let terms =
            pod.tree[path: "spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []
        return terms.reduce(0) { sum, term in
            let isMatch = NodeSelection.matchesAnyTerm([term["preference"] ?? [:]], node: node)
            return sum + (isMatch ? Double(term["weight"]?.int ?? 0) : 0)
        }
    }

    /// How many pods are there that the pod should be spread from: those of its soft constraints; without constraints, its siblings.
    private func alike(_ node: Object) -> Double {
        let constraints = pod.tree[path: "spec", "topologySpreadConstraints"]?.elements ?? []
        if constraints.isEmpty {
            guard let owner = pod.metadata.controller?.uid else { return 0 }
            return Double(placed.on(node).count { $0.metadata.controller?.uid == owner })
        }
        return constraints.filter { $0["whenUnsatisfiable"]?.string == "ScheduleAnyway" }.reduce(0) { sum, constraint in
            let there = placed.on(node) + placed.near(node, by: constraint["topologyKey"]?.string ?? "")
            return sum + Double(TopologySpread.count(constraint, for: pod, among: there))
        }
    }

    private func company(_ node: Object) -> Double {
        var sum = 0.0
        for (kind, sign) in [("podAffinity", 1.0), ("podAntiAffinity", -1.0)] {
            let terms =
                pod.tree[path: "spec", "affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []
            for weighted in terms {
                guard let term = weighted["podAffinityTerm"], let key = term["topologyKey"]?.string,
                    node.metadata.labels[key] != nil
                else { continue }
                let there = placed.on(node) + placed.near(node, by: key)
                let count = there.count { PodAffinity.matches(term, of: pod, $0, namespaceLabels) }
                sum += sign * Double(weighted["weight"]?.int ?? 0) * Double(count)
            }
        }
        return sum
    }

    /// What is free of processor and memory, in hundredths. A container that asks for nothing counts as one that asks for little.
    private func room(_ node: Object) -> Double {
        let status = node.tree["status"]
        let allocatable = ResourceAmounts(status?["allocatable"] ?? status?["capacity"])
        var used = ["cpu": 0.0, "memory": 0.0]
        for other in placed.on(node) {
            let asked = PodResources.requests(of: other.tree)
            used["cpu"]? += asked["cpu"] > 0 ? Double(asked["cpu"]) : Self.leastProcessor
            used["memory"]? += asked["memory"] > 0 ? Double(asked["memory"]) : Self.leastMemory
        }
        let free = used.map { name, amount in
            let all = Double(allocatable[name])
            return all > 0 ? max(0, (all - amount) / all * 100) : 0
        }
        return free.reduce(0, +) / Double(free.count)
    }

    /// In the unit of amounts.
    private static let leastProcessor = Double(ResourceAmounts(["cpu": "100m"])["cpu"])
    private static let leastMemory = Double(ResourceAmounts(["memory": "200Mi"])["memory"])
}
