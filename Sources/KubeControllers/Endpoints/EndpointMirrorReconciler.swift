import KubeObject
public import KubeStore

/// Shows hand-written `Endpoints` of services without a selector as endpoint slices.
public struct EndpointMirrorReconciler: Reconciler {
    public init() {}

    public var name: String { "endpointslicemirroring-controller" }
    public var concurrency: Int { 4 }
    public var watched: [String] {
        [Key.prefix(Resources.endpoints), Key.prefix(Resources.services), Key.prefix(Resources.endpointSlices)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        switch event.object.kind {
        case "EndpointSlice":
            guard metadata.labels[EndpointSlicePlan.managedByLabel] == EndpointMirror.managedBy, event.type != .added,
                let service = metadata.labels[EndpointSlicePlan.serviceNameLabel]
            else { return [] }
            return [ObjectName(namespace: metadata.namespace, name: service)]
        case "Endpoints":
            // Our own endpoints are written for services that have slices already.
            let isOurs = metadata.labels[EndpointsPlan.managedByLabel] == EndpointsPlan.managedBy
            return isOurs ? [] : [ObjectName(metadata)]
        default: return [ObjectName(metadata)]
        }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let endpoints = work.object(Resources.endpoints)
        let existing = work.list(Resources.endpointSlices).filter {
            $0.metadata.labels[EndpointSlicePlan.serviceNameLabel] == work.name
                && $0.metadata.labels[EndpointSlicePlan.managedByLabel] == EndpointMirror.managedBy
        }
        guard let endpoints, EndpointMirror.isMirrored(endpoints, service: work.object(Resources.services)) else {
            for slice in existing { try await work.delete(Resources.endpointSlices, slice.metadata) }
            return .done
        }
        let plan = EndpointMirror.plan(endpoints, existing: existing)
        for slice in plan.create { try await work.create(slice, Resources.endpointSlices) }
        for slice in existing {
            guard let changed = plan.update[slice.metadata.name] else { continue }
            try await work.change(Resources.endpointSlices, slice.metadata) { tree throws(StatusError) in
                tree["endpoints"] = changed["endpoints"]
                tree["ports"] = changed["ports"]
                tree[path: "metadata", "labels"] = changed[path: "metadata", "labels"]
            }
        }
        for slice in existing where plan.delete.contains(slice.metadata.name) {
            try await work.delete(Resources.endpointSlices, slice.metadata)
        }
        return .done
    }
}
