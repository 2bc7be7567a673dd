import KubeObject

/// Which pods must go so that a more important one fits.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
enum Preemption {
    /// The fewest and least important pods whose removal lets the pod in; empty when no removal of less important ones would, or
    /// the pod's policy forbids it, or earlier victims are still going.
    static func victims(for pod: Object, running: [Object], filter: NodeFilter) -> [Object] {
        guard pod.tree[path: "spec", "preemptionPolicy"]?.string != "Never" else { return [] }
        let priority = priority(of: pod)
        let lesser = running.filter { Preemption.priority(of: $0) < priority }
        guard !lesser.isEmpty, !lesser.contains(where: { $0.metadata.deletionTimestamp != nil }) else { return [] }
        var kept = running.filter { Preemption.priority(of: $0) >= priority }
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
