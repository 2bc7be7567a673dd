import KubeObject
public import KubeStore

/// Keeps the `Endpoints` of services that select pods.
public struct EndpointsReconciler: Reconciler {
    public init() {}

    public var name: String { "endpoint-controller" }
    public var watched: [String] {
        [Key.prefix(Resources.services), Key.prefix(Resources.pods), Key.prefix(Resources.endpoints)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.object.kind == "Endpoints" else { return ServiceKeys.keys(for: event, in: cluster) }
        return event.type == .added ? [] : [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let existing = work.object(Resources.endpoints)
        guard let object = work.object(Resources.services) else {
            // Endpoints have no owner; those that we made go with their service.
            if let existing, existing.metadata.labels[EndpointsPlan.managedByLabel] == EndpointsPlan.managedBy {
                try await work.delete(Resources.endpoints, existing.metadata)
            }
            return .done
        }
        let service = ServiceView(object)
        switch EndpointsPlan.decide(service, pods: ServiceKeys.pods(of: service, work), existing: existing, now: work.now) {
        case .none: break
        case .create(let tree): try await work.create(tree, Resources.endpoints)
        case .update(let tree):
            guard let existing else { break }
            try await work.change(Resources.endpoints, existing.metadata) { current in
                current["subsets"] = tree["subsets"]
                current[path: "metadata", "labels"] = tree[path: "metadata", "labels"]
                current[path: "metadata", "annotations"] = tree[path: "metadata", "annotations"]
            }
        }
        return .done
    }
}
