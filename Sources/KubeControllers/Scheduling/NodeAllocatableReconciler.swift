import KubeObject
public import KubeStore

/// Lets pods have what somebody says that a node has beside its own: kubelet makes allocatable what is in the capacity.
/// Source: https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
public struct NodeAllocatableReconciler: Reconciler {
    public init() {}

    public var name: String { "node-controller" }
    public var concurrency: Int { 1 }
    public var watched: [String] { [Key.prefix(Resources.nodes)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type == .deleted || Self.allocatable(event.object.tree["status"]) == nil ? [] : [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let node = work.object(Resources.nodes), Self.allocatable(node.tree["status"]) != nil else { return .done }
        try await work.change(Resources.nodes, node.metadata, subresource: "status") { tree in
            if let right = Self.allocatable(tree["status"]) { tree[path: "status", "allocatable"] = right }
        }
        return .done
    }

    /// What should be allocatable; nil when it is so.
    static func allocatable(_ status: JSON?) -> JSON? {
        let capacity = (status?["capacity"]?.object ?? [:]).filter { isExtended($0.key) }
        let present = status?["allocatable"] ?? [:]
        var right = present
        for (name, _) in present.object ?? [:] where isExtended(name) && status?["capacity"]?[name] == nil { right[name] = nil }
        for (name, amount) in capacity { right[name] = amount }
        return right == present ? nil : right
    }

    /// Whether a resource is neither Kubernetes' own nor a node's.
    private static func isExtended(_ name: String) -> Bool {
        guard let slash = name.firstIndex(of: "/"), !name.hasPrefix("requests.") else { return false }
        let domain = name[..<slash]
        return domain != "kubernetes.io" && !domain.hasSuffix(".kubernetes.io")
    }
}
