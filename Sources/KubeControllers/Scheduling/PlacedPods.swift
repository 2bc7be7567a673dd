import KubeObject

/// A cluster's nodes, and the pods that take room on them.
struct PlacedPods {
    /// By name.
    let nodes: [Object]
    private let byNode: [String: [Object]]

    /// - Parameters:
    ///   - nodes: those that pods may be bound to.
    ///   - pods: all of the cluster's.
    ///   - uid: of the pod that is to be placed, which doesn't count.
    init(nodes: [Object], pods: some Sequence<Object>, except uid: String) {
        self.nodes = nodes
        let names = Set(nodes.map(\.metadata.name))
        var byNode: [String: [Object]] = [:]
        for pod in pods where pod.metadata.uid != uid {
            let tree = pod.tree
            guard let name = tree[path: "spec", "nodeName"]?.string, names.contains(name) else { continue }
            let phase = tree[path: "status", "phase"]?.string
            if phase != "Succeeded", phase != "Failed" { byNode[name, default: []].append(pod) }
        }
        self.byNode = byNode
    }

    func on(_ node: Object) -> [Object] { byNode[node.metadata.name] ?? [] }

    /// The pods of the other nodes that are in the same place as `node`, as the label says: none without the label.
    func near(_ node: Object, by label: String) -> [Object] {
        guard nodes.count > 1, let place = node.metadata.labels[label] else { return [] }
        return others(than: node).flatMap { $0.metadata.labels[label] == place ? on($0) : [] }
    }

    func others(than node: Object) -> [Object] { nodes.filter { $0.metadata.name != node.metadata.name } }
}
