import KubeObject

/// Which pods must go so that a more important one fits.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
enum Preemption {
    enum Plan {
        /// Room can be made nowhere.
        case impossible
        /// Earlier victims are still going where room is being made.
        case wait(node: Object)
        case make(node: Object, victims: [Object])
    }

    /// Where room is made, and by whose going: where the most important of those that go is the least important, then where all of them
    /// together are, then where they are fewest.
    static func plan(for pod: Object, _ placed: PlacedPods, _ filters: [NodeFilter]) -> Plan {
        let nominated = pod.tree[path: "status", "nominatedNodeName"]?.string
        if let home = placed.nodes.first(where: { $0.metadata.name == nominated }), isGoing(for: pod, placed.on(home)) {
            return .wait(node: home)
        }
        func cost(_ victims: [Object]) -> (Int64, Double, Int) {
            let priorities = victims.map(priority)
            return (priorities.max() ?? 0, priorities.reduce(0) { $0 + Double($1) }, victims.count)
        }
        let plans = filters.map { filter in
            let promised = placed.promised(on: filter.node, before: pod)
            return (filter.node, victims(for: pod, running: placed.on(filter.node), promised: promised, filter: filter))
        }
        guard let best = plans.filter({ !$0.1.isEmpty }).min(by: { cost($0.1) < cost($1.1) }) else { return .impossible }
        return .make(node: best.0, victims: best.1)
    }

    /// Whether less important pods are on their way out.
    private static func isGoing(for pod: Object, _ running: [Object]) -> Bool {
        running.contains { priority(of: $0) < priority(of: pod) && $0.metadata.deletionTimestamp != nil }
    }

    /// The fewest and least important pods whose removal lets the pod in; empty when no removal of less important ones would, or
    /// the pod's policy forbids it, or earlier victims are still going.
    ///
    /// - Parameter promised: pods for which room is being made, and which get it before this one.
    static func victims(for pod: Object, running: [Object], promised: [Object], filter: NodeFilter) -> [Object] {
        guard pod.tree[path: "spec", "preemptionPolicy"]?.string != "Never" else { return [] }
        let priority = priority(of: pod)
        let lesser = running.filter { Preemption.priority(of: $0) < priority }
        guard !lesser.isEmpty, !isGoing(for: pod, running) else { return [] }
        var kept = running.filter { Preemption.priority(of: $0) >= priority } + promised
        guard filter.verdict(pod, running: kept).reasons.isEmpty else { return [] }
        // The most important, and of equal ones the oldest, get their place back first.
        var victims: [Object] = []
        for candidate in lesser.sorted(by: isMoreImportant) {
            if filter.verdict(pod, running: kept + [candidate]).reasons.isEmpty {
                kept.append(candidate)
            } else {
                victims.append(candidate)
            }
        }
        return victims
    }

    static func priority(of pod: Object) -> Int64 { pod.tree[path: "spec", "priority"]?.int ?? 0 }

    private static func isMoreImportant(_ a: Object, _ b: Object) -> Bool {
        let (left, right) = (priority(of: a), priority(of: b))
        if left != right { return left > right }
        return a.tree[path: "status", "startTime"]?.string ?? "~" < b.tree[path: "status", "startTime"]?.string ?? "~"
    }
}
