import KubeObject
public import KubeStore

/// Keeps the endpoint slices of services that select pods.
public struct EndpointSliceReconciler: Reconciler {
    public init() {}

    public var name: String { "endpointslice-controller" }
    public var watched: [String] {
        [Key.prefix(Resources.services), Key.prefix(Resources.pods), Key.prefix(Resources.endpointSlices)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.object.kind == "EndpointSlice" else { return ServiceKeys.keys(for: event, in: cluster) }
        // Our own writes come by here too; they find nothing to do.
        let metadata = event.object.metadata
        guard metadata.labels[EndpointSlicePlan.managedByLabel] == EndpointSlicePlan.managedBy, event.type != .added,
            let service = metadata.labels[EndpointSlicePlan.serviceNameLabel]
        else { return [] }
        return [ObjectName(namespace: metadata.namespace, name: service)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        // Slices of a service that is gone are the garbage collector's.
        guard let object = work.object(Resources.services) else { return .done }
        let service = ServiceView(object)
        let slices = work.list(Resources.endpointSlices).filter {
            $0.metadata.labels[EndpointSlicePlan.serviceNameLabel] == service.name
                && $0.metadata.labels[EndpointSlicePlan.managedByLabel] == EndpointSlicePlan.managedBy
        }
        let plan = EndpointSlicePlan(
            service, pods: ServiceKeys.pods(of: service, work), existing: slices, zones: zones(work), now: work.now)
        for slice in plan.create { try await work.create(slice, Resources.endpointSlices) }
        for slice in slices {
            guard let changed = plan.update[slice.metadata.name] else { continue }
            try await work.change(Resources.endpointSlices, slice.metadata) { tree in
                tree["endpoints"] = changed["endpoints"]
                tree[path: "metadata", "labels"] = changed[path: "metadata", "labels"]
                tree[path: "metadata", "annotations"] = changed[path: "metadata", "annotations"]
            }
        }
        for slice in slices where plan.delete.contains(slice.metadata.name) {
            try await work.delete(Resources.endpointSlices, slice.metadata)
        }
        return .done
    }

    private func zones(_ work: Work) -> [String: String] {
        var zones: [String: String] = [:]
        for node in work.list(Resources.nodes) { zones[node.metadata.name] = node.metadata.labels["topology.kubernetes.io/zone"] }
        return zones
    }
}
