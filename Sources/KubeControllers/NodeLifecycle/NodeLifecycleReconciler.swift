import KubeObject
public import KubeRegistry
public import KubeStore
import Synchronization

/// Taints nodes by their conditions, and says of those that nobody tells of any more that their state is unknown.
///
/// The machine's own nodes are part of this process, so their state is always known, and nothing is done for them by the clock.
/// Source: https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
public final class NodeLifecycleReconciler: Reconciler {
    /// When a node's last sign was seen. Kept here, as upstream: clocks may differ, so a sign counts from when it is seen, and the time
    /// begins anew with the server.
    private struct Seen {
        var uid: String
        var sign: String
        var at: Double
        var wasReady: Bool
        /// Whether its pods have been marked since it isn't ready.
        var hasMarked = false
    }

    private let seen = Mutex<[QueueKey: Seen]>([:])
    private let ownNodes: MachineNodes?

    /// - Parameter ownNodes: the machine's own, if pods run here.
    public init(ownNodes: MachineNodes?) { self.ownNodes = ownNodes }

    public var name: String { "node-controller" }
    public var watched: [String] { [Key.prefix(Resources.nodes)] }
    public var restsWithCluster: Bool { true }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let own = ObjectName(event.object.metadata)
        let isReady = event.type != .deleted && NodeHealth.isReady(event.object.tree)
        let wasReady = event.previous.map { NodeHealth.isReady($0.tree) } ?? false
        // What becomes of the pods of others that aren't ready may depend on it.
        guard isReady != wasReady, let nodes = Self.compared(in: cluster.snapshot) else { return [own] }
        return [own] + nodes.map { ObjectName($0.metadata) }.filter { $0 != own }
    }

    /// A cluster's nodes; nil when they are too many to be compared.
    private static func compared(in snapshot: Snapshot) -> [Object]? {
        let prefix = Key.prefix(Resources.nodes)
        return snapshot.count(prefix: prefix) <= NodeHealth.maximumCompared ? snapshot.list(prefix: prefix) : nil
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let node = work.object(Resources.nodes), node.metadata.deletionTimestamp == nil else {
            seen.withLock { $0[work.key] = nil }
            return .done
        }
        let isOwn = ownNodes?.contains(work.name) ?? false
        let left = isOwn ? nil : try await watch(node, work)
        guard let node = work.object(latest: Resources.nodes), node.metadata.deletionTimestamp == nil else { return .done }
        try await taint(node, work)
        if !isOwn { try await markPods(of: node, work) }
        return .after(seconds: left)
    }

    /// - Returns: after how many seconds without another sign the node's state is unknown; nil when it is already.
    private func watch(_ node: Object, _ work: Work) async throws -> Double? {
        let lease = work.snapshot.get(Key(Resources.leases, namespace: "kube-node-lease", name: work.name))
        let sign = NodeHealth.sign(node.tree, lease: lease?.tree)
        let isReady = NodeHealth.isReady(node.tree)
        let (since, wasReady) = seen.withLock { seen in
            let known = seen[work.key].flatMap { $0.uid == node.metadata.uid ? $0 : nil }
            let now = Seen(
                uid: node.metadata.uid, sign: sign, at: known?.sign == sign ? known?.at ?? work.now : work.now, wasReady: isReady,
                hasMarked: known?.hasMarked ?? false)
            seen[work.key] = now
            return (now.at, known?.wasReady ?? false)
        }
        if wasReady, !isReady { report(node, work) }
        guard !NodeHealth.isUnknown(node.tree) else { return nil }
        let left = since + NodeHealth.grace(of: node.tree) - work.now
        guard left <= 0 else { return left }
        let time = Timestamp.format(work.now)
        try await work.change(Resources.nodes, node.metadata, subresource: "status") { NodeHealth.lapse(&$0, time: time) }
        return nil
    }

    private func report(_ node: Object, _ work: Work) {
        work.report(.normal, "NodeNotReady", "Node \(work.name) status is now: NodeNotReady", about: node)
    }

    private func taint(_ node: Object, _ work: Work) async throws {
        let nodes = NodeHealth.isReady(node.tree) ? nil : Self.compared(in: work.cluster.snapshot)?.map(\.tree)
        let time = Timestamp.format(work.now)
        func right(_ tree: JSON) -> [JSON]? {
            NodeTaints.right(for: tree, evicts: nodes.map { NodeHealth.evicts(tree, among: $0) } ?? true, time: time)
        }
        guard right(node.tree) != nil else { return }
        try await work.change(Resources.nodes, node.metadata) { tree in
            if let taints = right(tree) { tree[path: "spec", "taints"] = taints.isEmpty ? nil : .array(taints) }
        }
    }

    /// Takes the pods of a node that isn't ready any more out of their services: once, for then nobody says that they are ready again.
    private func markPods(of node: Object, _ work: Work) async throws {
        let isLost = Condition.find("Ready", in: node.tree["status"])?.status ?? .true != .true
        guard seen.withLock({ $0[work.key]?.hasMarked }) != isLost else { return }
        if isLost { try await markPods(on: work.name, work) }
        seen.withLock { $0[work.key]?.hasMarked = isLost }
    }

    private func markPods(on node: String, _ work: Work) async throws {
        let time = Timestamp.format(work.now)
        for pod in work.cluster.snapshot.list(prefix: Key.prefix(Resources.pods))
        where PodState(pod).nodeName == node && PodState(pod).isReady {
            do {
                try await work.change(Resources.pods, pod.metadata, subresource: "status") { tree in
                    var conditions = tree[path: "status", "conditions"]?.elements ?? []
                    guard let index = conditions.firstIndex(where: { $0["type"]?.string == "Ready" }),
                        conditions[index]["status"]?.string == "True"
                    else { return }
                    conditions[index]["status"] = "False"
                    conditions[index]["lastTransitionTime"] = .string(time)
                    tree[path: "status", "conditions"] = .array(conditions)
                }
                work.report(.warning, "NodeNotReady", "Node is not ready", about: pod)
            } catch let error as StatusError where error.isNotFound || error.isConflict {
                // It is gone.
            }
        }
    }

    public func forget(cluster: Int64) {
        seen.withLock { seen in seen = seen.filter { $0.key.cluster.id != cluster } }
    }
}
