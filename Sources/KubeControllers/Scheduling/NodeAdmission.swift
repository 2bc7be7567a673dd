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
    /// - Parameter isAdmitted: whether the pod with this uid was let in before; it may not say so itself yet.
    public static func rejection(of pod: Object, in snapshot: Snapshot, isAdmitted: (String) -> Bool) -> Rejection? {
        let name = PodState(pod).nodeName
        guard let node = snapshot.get(Key(Resources.nodes, namespace: "", name: name)) else { return nil }
        let running = snapshot.list(prefix: Key.prefix(Resources.pods)).filter { other in
            other.metadata.uid != pod.metadata.uid && PodState(other).nodeName == name && !PodState(other).isFinished
                && (isAdmitted(other.metadata.uid) || other.tree[path: "status", "startTime"]?.string != nil)
        }
        return NodeFilter(node: node).rejection(pod, running: running)
    }
}

extension NodeFilter {
    func rejection(_ pod: Object, running: [Object]) -> NodeAdmission.Rejection? {
        if let forbidden = Sysctls.problem(pod.tree["spec"]) {
            return .init(reason: "SysctlForbidden", message: "forbidden sysctl: \(forbidden)")
        }
        if let shortage = shortage(pod, running: running) { return shortage }
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

    private func shortage(_ pod: Object, running: [Object]) -> NodeAdmission.Rejection? {
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
        for other in running { used += PodResources.requests(of: other.tree) }
        for (name, amount) in wanted.sorted(by: { $0.key < $1.key }) where amount > allocatable[name] - used[name] {
            return refused(name, amount, used[name], allocatable[name])
        }
        return nil
    }
}
