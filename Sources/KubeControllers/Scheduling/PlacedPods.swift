import KubeObject

/// A cluster's nodes, and the pods that take room on them, or for which room is being made there.
struct PlacedPods {
    /// By name.
    let nodes: [Object]
    private let byNode: [String: [Object]]
    /// Those that wait until room is made, by the node that they were told.
    private let promised: [String: [Object]]

    /// - Parameters:
    ///   - nodes: those that pods may be bound to.
    ///   - pods: all of the cluster's.
    ///   - uid: of the pod that is to be placed, which doesn't count.
    init(nodes: [Object], pods: some Sequence<Object>, except uid: String) {
        self.nodes = nodes
        let names = Set(nodes.map(\.metadata.name))
        var byNode: [String: [Object]] = [:]
        var promised: [String: [Object]] = [:]
        for pod in pods where pod.metadata.uid != uid {
            let tree = pod.tree
            let phase = tree[path: "status", "phase"]?.string
            if phase == "Succeeded" || phase == "Failed" { continue }
            let name = tree[path: "spec", "nodeName"]?.string ?? ""
            if names.contains(name) {
                byNode[name, default: []].append(pod)
            } else if name.isEmpty, pod.metadata.deletionTimestamp == nil,
                let nominated = tree[path: "status", "nominatedNodeName"]?.string, names.contains(nominated)
            {
                promised[nominated, default: []].append(pod)
            }
        }
        self.byNode = byNode
        self.promised = promised
    }

    func on(_ node: Object) -> [Object] { byNode[node.metadata.name] ?? [] }

    /// The pods for which room is being made on a node, and which are at least as important as `pod`: it may not have that room. Of two of
    /// them the older one gets its room first, so that they don't wait for each other.
    func promised(on node: Object, before pod: Object) -> [Object] {
        guard let waiting = promised[node.metadata.name] else { return [] }
        let priority = Preemption.priority(of: pod)
        let isWaiting = !(pod.tree[path: "status", "nominatedNodeName"]?.string ?? "").isEmpty
        return waiting.filter { other in
            let others = Preemption.priority(of: other)
            guard others == priority, isWaiting else { return others >= priority }
            let (left, right) = (other.metadata, pod.metadata)
            return (left.creationTimestamp, left.uid) < (right.creationTimestamp, right.uid)
        }
    }

    /// The pods of the other nodes that are in the same place as `node`, as the label says: none without the label.
    func near(_ node: Object, by label: String) -> [Object] {
        guard nodes.count > 1, let place = node.metadata.labels[label] else { return [] }
        return others(than: node).flatMap { $0.metadata.labels[label] == place ? on($0) : [] }
    }

    func others(than node: Object) -> [Object] { nodes.filter { $0.metadata.name != node.metadata.name } }
}
