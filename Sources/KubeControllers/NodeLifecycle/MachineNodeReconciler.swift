import KubeObject
import KubeRegistry
public import KubeStore

/// Has a cluster's nodes that are this machine say what the machine is like by now: after a reboot, with another kernel or engine, other addresses or
/// more memory. Kubelet does so when it starts; here it is done when the server does, or the cluster is loaded.
public struct MachineNodeReconciler: Reconciler {
    private let source: any NodeSource

    public init(source: any NodeSource) { self.source = source }

    public var name: String { "kubelet" }
    public var concurrency: Int { 1 }
    public var watched: [String] { [Key.prefix(Resources.nodes)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        return event.type == .added && source.nodes.contains(metadata.name) ? [ObjectName(metadata)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let node = work.object(Resources.nodes), node.metadata.deletionTimestamp == nil else { return .done }
        let machine = source.node(work.name)
        // The engine hasn't answered yet.
        if machine[path: "status", "nodeInfo", "containerRuntimeVersion"]?.string?.hasSuffix("://") == true {
            return .after(seconds: 5)
        }
        if let ranges = machine[path: "spec", "podCIDRs"], node.tree[path: "spec", "podCIDRs"] == nil {
            try await work.change(Resources.nodes, node.metadata) { tree in
                guard tree[path: "spec", "podCIDRs"] == nil else { return }
                tree[path: "spec", "podCIDR"] = machine[path: "spec", "podCIDR"]
                tree[path: "spec", "podCIDRs"] = ranges
            }
        }
        guard Self.status(node.tree["status"], of: machine) != nil else { return .done }
        try await work.change(Resources.nodes, node.metadata, subresource: "status") { tree in
            if let status = Self.status(tree["status"], of: machine) { tree["status"] = status }
        }
        let boot = machine[path: "status", "nodeInfo", "bootID"]?.string ?? ""
        if let before = node.tree[path: "status", "nodeInfo", "bootID"]?.string, !before.isEmpty, before != boot {
            work.report(.warning, "Rebooted", "Node \(work.name) has been rebooted, boot id: \(boot)", about: node)
        }
        return .done
    }

    /// What a node's status should be; nil when it is so. What others have given it beside (extended resources, conditions) stays.
    static func status(_ present: JSON?, of machine: JSON) -> JSON? {
        let present = present ?? [:]
        var right = present
        for field in ["addresses", "nodeInfo", "runtimeHandlers", "daemonEndpoints"] {
            if let value = machine[path: "status", field] { right[field] = value }
        }
        for list in ["capacity", "allocatable"] {
            for (name, amount) in machine[path: "status", list]?.object ?? [:] { right[path: list, name] = amount }
        }
        return right == present ? nil : right
    }
}
