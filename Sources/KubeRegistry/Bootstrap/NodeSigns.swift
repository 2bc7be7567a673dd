public import KubeObject
public import KubeSchema
public import KubeStore
import Synchronization

/// The signs of life of a cluster's nodes that are this machine, as their kubelets would give them: the leases in `kube-node-lease`, made with the
/// node, renewed every ten seconds, made anew when somebody deletes them; and the heartbeats in their conditions, every five minutes.
///
/// The nodes live and die with the API server, so nobody who doesn't look at a sign can tell whether it was given. So that is done when somebody
/// looks: before a read that would show it is answered, and for as long as a watch lasts that would. A cluster in which nobody looks has no lease
/// and no write.
///
/// Any task may call any function. However many look, a sign is written once in its period.
/// Source: https://kubernetes.io/docs/reference/node/node-status/#heartbeats
public final class NodeSigns: Sendable {
    public enum Sign: Sendable {
        case lease, heartbeat

        /// Seconds after which it is given again.
        public var period: Double {
            switch self {
            case .lease: 10
            case .heartbeat: 300
            }
        }
    }

    /// Seconds after which somebody may take a node for lost that doesn't renew its lease.
    static let duration: Int64 = 40
    /// Where leases are.
    public static let namespace = "kube-node-lease"
    /// The conditions that kubelet tells of.
    private static let conditions: Set<String> = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]

    private struct Place: Hashable {
        var cluster: Int64
        var node: String
        var sign: Sign
    }

    private let registry: Registry
    private let nodes: MachineNodes
    private let clock: @Sendable () -> Double
    /// When signs were last written, for as long as that counts.
    private let written = Mutex<[Place: Double]>([:])

    /// - Parameters:
    ///   - nodes: which of a cluster's nodes are this machine.
    ///   - clock: seconds since 1970.
    public init(registry: Registry, nodes: MachineNodes, clock: @escaping @Sendable () -> Double = { Timestamp.seconds }) {
        self.registry = registry
        self.nodes = nodes
        self.clock = clock
    }

    /// The sign that a read of a resource would show, in a namespace or (empty) all, and of one name or (empty) all; nil when it shows none.
    public func sign(shownBy resource: ResourceType, namespace: String, name: String) -> Sign? {
        guard name.isEmpty || nodes.contains(name) else { return nil }
        switch (resource.group, resource.plural) {
        case ("coordination.k8s.io", "leases"): return namespace.isEmpty || namespace == Self.namespace ? .lease : nil
        case ("", "nodes"): return .heartbeat
        default: return nil
        }
    }

    /// Gives what is due. What can't be written stays as it is, as with a kubelet that isn't let: a read is answered all the same.
    ///
    /// - Parameter name: of the only node that matters; empty for all.
    public func give(_ sign: Sign, in cluster: LogicalCluster, name: String = "") async {
        let snapshot = cluster.snapshot
        let names = name.isEmpty ? MachineNodes.allowed.map(nodes.name) : [name]
        let due = names.compactMap { name -> Object? in
            guard nodes.contains(name), let node = snapshot.get(Key(group: "", plural: "nodes", name: name)),
                node.metadata.deletionTimestamp == nil
            else { return nil }
            let isDue =
                switch sign {
                case .lease:
                    Self.isDue(
                        lease: snapshot.get(
                            Key(group: "coordination.k8s.io", plural: "leases", namespace: Self.namespace, name: name))?.tree,
                        now: clock())
                case .heartbeat: Self.isDue(heartbeatOf: node.tree, now: clock())
                }
            return isDue && mayWrite(Place(cluster: cluster.id, node: name, sign: sign)) ? node : nil
        }
        guard due.count > 1 else {
            if let node = due.first { await give(sign, of: node, in: cluster) }
            return
        }
        // At once, so that they are one commit.
        await withTaskGroup(of: Void.self) { group in
            for node in due { group.addTask { await self.give(sign, of: node, in: cluster) } }
        }
    }

    private func give(_ sign: Sign, of node: Object, in cluster: LogicalCluster) async {
        var context = RequestContext.node(node.metadata.name, in: cluster)
        // Somebody waits who only wants to read: no webhook holds them up for long.
        context.deadline = .now.advanced(by: .seconds(1))
        do throws(StatusError) {
            switch sign {
            case .lease: try await renew(node, context)
            case .heartbeat:
                try await registry.mutate(
                    try registry.resource("nodes"), namespace: "", name: node.metadata.name, subresource: "status",
                    uid: node.metadata.uid, context
                ) { tree in
                    if Self.isDue(heartbeatOf: tree, now: clock()) { Self.beat(&tree, now: clock()) }
                }
            }
        } catch {
            // Another reader was first; or the cluster's owners keep the node from writing, who wouldn't be asked more often.
        }
        note(Place(cluster: cluster.id, node: node.metadata.name, sign: sign))
    }

    private func renew(_ node: Object, _ context: RequestContext) async throws(StatusError) {
        let leases = try registry.resource("leases", group: "coordination.k8s.io")
        do throws(StatusError) {
            try await registry.mutate(leases, namespace: Self.namespace, name: node.metadata.name, context) { tree in
                if Self.isDue(lease: tree, now: clock()) { tree = Self.renewed(tree, of: node, now: clock()) }
            }
        } catch {
            guard error.code == 404 else { throw error }
            let lease = Self.renewed(nil, of: node, now: clock())
            _ = try await registry.create(lease, leases, namespace: Self.namespace, CreateOptions(), context)
        }
    }

    /// A tenant who deletes or changes signs all the time has no more of them written.
    private func mayWrite(_ place: Place) -> Bool {
        let now = clock()
        return written.withLock { written in
            guard let last = written[place] else { return true }
            return abs(now - last) >= place.sign.period
        }
    }

    private func note(_ place: Place) {
        let now = clock()
        written.withLock { written in
            if written.count >= 256 { written = written.filter { abs(now - $0.value) < $0.key.sign.period } }
            written[place] = now
        }
    }

    // MARK: What they look like

    /// Whether a lease isn't as a kubelet that lives would have it by now.
    static func isDue(lease: JSON?, now: Double) -> Bool {
        isDue(lease?[path: "spec", "renewTime"], .lease, now: now)
    }

    /// The same of a node's conditions.
    static func isDue(heartbeatOf node: JSON, now: Double) -> Bool {
        let ready = (node[path: "status", "conditions"]?.elements ?? []).first { $0["type"] == "Ready" }
        return ready.map { isDue($0["lastHeartbeatTime"], .heartbeat, now: now) } ?? false
    }

    private static func isDue(_ time: JSON?, _ sign: Sign, now: Double) -> Bool {
        guard let time = time?.string.flatMap({ Timestamp.parse($0) }) else { return true }
        return abs(now - time) >= sign.period
    }

    /// A lease as its node's kubelet writes it.
    ///
    /// - Parameter lease: as it is; nil when there is none. Who holds it and for how long is said once, and then left to whoever changes it.
    static func renewed(_ lease: JSON?, of node: Object, now: Double) -> JSON {
        let name = JSON.string(node.metadata.name)
        var renewed: JSON =
            lease ?? [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": ["name": name, "namespace": .string(namespace)],
                "spec": ["holderIdentity": name, "leaseDurationSeconds": .int(duration)],
            ]
        renewed[path: "spec", "renewTime"] = .string(Timestamp.formatMicro(now))
        if renewed[path: "metadata", "ownerReferences"]?.elements.isEmpty ?? true {
            renewed[path: "metadata", "ownerReferences"] = [
                ["apiVersion": "v1", "kind": "Node", "name": name, "uid": .string(node.metadata.uid)]
            ]
        }
        return renewed
    }

    private static func beat(_ node: inout JSON, now: Double) {
        var conditions = node[path: "status", "conditions"]?.elements ?? []
        for index in conditions.indices where Self.conditions.contains(conditions[index]["type"]?.string ?? "") {
            conditions[index]["lastHeartbeatTime"] = .string(Timestamp.format(now))
        }
        node[path: "status", "conditions"] = .array(conditions)
    }
}
