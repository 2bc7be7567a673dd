import KubeObject
public import KubeStore
import Synchronization

/// Deletes the pods that don't tolerate their node's NoExecute taints, when the time is over for which they do.
public final class TaintEvictionReconciler: Reconciler {
    /// Since when a pod's time runs. Kept here, as upstream: a taint needn't say when it was added, so the time begins anew with the
    /// server.
    private let started = Mutex<[QueueKey: (uid: String, at: Double)]>([:])

    public init() {}

    public var name: String { "taint-eviction-controller" }
    public var watched: [String] { [Key.prefix(Resources.pods), Key.prefix(Resources.nodes)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.object.kind == "Node" {
            guard event.type != .deleted, Self.drives(event.object) || event.previous.map(Self.drives) ?? false,
                event.object.tree[path: "spec", "taints"] != event.previous?.tree[path: "spec", "taints"]
            else { return [] }
            return cluster.snapshot.list(prefix: Key.prefix(Resources.pods))
                .filter { PodState($0).nodeName == event.object.metadata.name }.map { ObjectName($0.metadata) }
        }
        let name = ObjectName(event.object.metadata)
        if event.type == .deleted { return [name] }
        let spec = event.object.tree["spec"]
        let old = event.previous?.tree["spec"]
        guard spec?["nodeName"] != old?["nodeName"] || spec?["tolerations"] != old?["tolerations"] else { return [] }
        return Self.node(of: event.object, in: cluster.snapshot).map(Self.drives) ?? false ? [name] : []
    }

    private static func drives(_ node: Object) -> Bool {
        node.tree[path: "spec", "taints"]?.elements.contains { $0["effect"]?.string == "NoExecute" } ?? false
    }

    private static func node(of pod: Object, in snapshot: Snapshot) -> Object? {
        let name = PodState(pod).nodeName
        return name.isEmpty ? nil : snapshot.get(Key(Resources.nodes, namespace: "", name: name))
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let pod = work.object(Resources.pods), pod.metadata.deletionTimestamp == nil,
            let node = Self.node(of: pod, in: work.snapshot),
            case .leaves(let seconds) = TaintEviction(pod.tree, node: node.tree)
        else {
            let waited = started.withLock { $0.removeValue(forKey: work.key) }
            if let waited, let pod = work.object(Resources.pods), pod.metadata.uid == waited.uid,
                pod.metadata.deletionTimestamp == nil
            {
                work.report(
                    .normal, "TaintManagerEviction", "Cancelling deletion of Pod \(work.namespace)/\(work.name)", about: pod)
            }
            return .done
        }
        let uid = pod.metadata.uid
        let since = started.withLock { started in
            if let known = started[work.key], known.uid == uid { return known.at }
            started[work.key] = (uid, work.now)
            return work.now
        }
        let left = since + Double(seconds) - work.now
        guard left <= 0 else { return .after(seconds: left) }
        work.report(.normal, "TaintManagerEviction", "Marking for deletion Pod \(work.namespace)/\(work.name)", about: pod)
        let time = Timestamp.format(work.now)
        if !PodState(pod).isFinished {
            try await work.change(Resources.pods, pod.metadata, subresource: "status") { tree in
                var conditions = [Condition](of: tree["status"])
                conditions.update(
                    Condition(
                        "DisruptionTarget", .true, reason: "DeletionByTaintManager",
                        message: "Taint manager: deleting due to NoExecute taint", lastTransitionTime: time))
                tree[path: "status", "conditions"] = conditions.tree
            }
        }
        try await work.delete(Resources.pods, pod.metadata)
        started.withLock { _ = $0.removeValue(forKey: work.key) }
        return .done
    }

    public func forget(cluster: Int64) {
        started.withLock { started in started = started.filter { $0.key.cluster.id != cluster } }
    }
}
