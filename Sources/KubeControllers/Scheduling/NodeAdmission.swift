public import KubeObject
import KubeRegistry
public import KubeStore

/// Whether a node takes a pod that somebody bound to it: kubelet looks once more, since not everybody asks the scheduler.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename
public enum NodeAdmission {
    public struct Rejection: Sendable, Equatable {
        public var reason: String
        public var message: String
    }

    /// Why the pod's node doesn't take it; nil when it does, or when the cluster doesn't have the node.
    ///
    /// - Parameters:
    ///   - isAdmitted: whether the pod with this uid was let in before; it may not say so itself yet.
    ///   - resized: the pod with this uid as it was when its last resize was accepted; it may not say that itself yet either.
    public static func rejection(
        of pod: Object, in snapshot: Snapshot, isAdmitted: (String) -> Bool, resized: (String) -> JSON? = { _ in nil }
    ) -> Rejection? {
        guard let node = node(of: pod, in: snapshot) else { return nil }
        return NodeFilter(node: node).rejection(
            pod, running: others(of: pod, in: snapshot, isAdmitted: isAdmitted), resized: resized)
    }

    /// Why a running pod can't have what its spec asks for by now, as reason and message of the condition `PodResizePending`: `Infeasible`
    /// when the node is too small, `Deferred` when others have it. Nil when it can.
    /// Source: KEP-1287
    public static func resizeObstacle(
        of pod: Object, in snapshot: Snapshot, isAdmitted: (String) -> Bool, resized: (String) -> JSON? = { _ in nil }
    ) -> Rejection? {
        guard let node = node(of: pod, in: snapshot) else { return nil }
        return NodeFilter(node: node).resizeObstacle(pod, resized: resized) {
            others(of: pod, in: snapshot, isAdmitted: isAdmitted)
        }
    }

    private static func node(of pod: Object, in snapshot: Snapshot) -> Object? {
        snapshot.get(Key(Resources.nodes, namespace: "", name: PodState(pod).nodeName))
    }

    private static func others(of pod: Object, in snapshot: Snapshot, isAdmitted: (String) -> Bool) -> [Object] {
        let node = PodState(pod).nodeName
        return snapshot.list(prefix: Key.prefix(Resources.pods)).filter { other in
            other.metadata.uid != pod.metadata.uid && PodState(other).nodeName == node && !PodState(other).isFinished
                && (isAdmitted(other.metadata.uid) || other.tree[path: "status", "startTime"]?.string != nil)
        }
    }
}

extension NodeFilter {
    func rejection(
        _ pod: Object, running: [Object], resized: (String) -> JSON? = { _ in nil }
    ) -> NodeAdmission.Rejection? {
        if let forbidden = Sysctls.problem(pod.tree["spec"]) {
            return .init(reason: "SysctlForbidden", message: "forbidden sysctl: \(forbidden)")
        }
        if let shortage = shortage(pod, running: running, resized: resized) { return shortage }
        let spec = pod.tree["spec"]
        func refused(_ filter: String, _ why: String) -> NodeAdmission.Rejection {
            .init(reason: filter, message: "Predicate \(filter) failed: \(why)")
        }
        if !NodeSelection.matches(spec, node: node) {
            return refused("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
        }
        if hasPortConflict(spec, running: running) {
            return refused("NodePorts", "node(s) didn't have free ports for the requested pod ports")
        }
        if !Taints.untolerated(node.tree, tolerations: spec?["tolerations"]?.elements ?? [], effects: ["NoExecute"]).isEmpty {
            return refused("TaintToleration", "node(s) had taints that the pod didn't tolerate")
        }
        return nil
    }

    func resizeObstacle(
        _ pod: Object, resized: (String) -> JSON? = { _ in nil }, running: () -> [Object]
    ) -> NodeAdmission.Rejection? {
        let wanted = PodResources.requests(of: pod.tree)
        for name in ["memory", "cpu"] where wanted[name] > allocatable[name] {
            return .init(
                reason: "Infeasible",
                message:
                    "Node didn't have enough capacity: \(name), requested: \(wanted[name]), capacity: \(allocatable[name])")
        }
        return shortage(pod, running: running(), resized: resized).map { .init(reason: "Deferred", message: $0.message) }
    }

    private func shortage(_ pod: Object, running: [Object], resized: (String) -> JSON?) -> NodeAdmission.Rejection? {
        func refused(_ name: String, _ requested: Int64, _ used: Int64, _ capacity: Int64) -> NodeAdmission.Rejection {
            .init(
                reason: "OutOf\(name)",
                message:
                    "Node didn't have enough resource: \(name), requested: \(requested), used: \(used), capacity: \(capacity)")
        }
        let count = Int64(running.count)
        if allocatable.amounts["pods"] != nil, count + 1 > allocatable["pods"] {
            return refused("pods", 1, count, allocatable["pods"])
        }
        let wanted = PodResources.requests(of: pod.tree).amounts.filter { $0.value > 0 }
        guard !wanted.isEmpty else { return nil }
        var used = ResourceAmounts()
        for other in running {
            used += resized(other.metadata.uid).map { PodResources.requests(of: $0) } ?? PodResources.allocated(of: other.tree)
        }
        for (name, amount) in wanted.sorted(by: { $0.key < $1.key }) where amount > allocatable[name] - used[name] {
            return refused(name, amount, used[name], allocatable[name])
        }
        return nil
    }
}
