import KubeObject
public import KubeStore

/// Gives every namespace the service account `default`, and again when it was deleted.
public struct ServiceAccountReconciler: Reconciler {
    public init() {}

    public var name: String { "service-account-controller" }
    public var watched: [String] { [Key.prefix(Resources.namespaces), Key.prefix(Resources.serviceAccounts)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "Namespace" { return event.type == .deleted ? [] : [ObjectName(name: metadata.name)] }
        return event.type == .deleted && metadata.name == "default" ? [ObjectName(name: metadata.namespace)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard NamespacePlan.isActive(work.object(Resources.namespaces)) else { return .done }
        let key = Key(Resources.serviceAccounts, namespace: work.name, name: "default")
        guard work.snapshot.get(key) == nil else { return .done }
        do {
            try await work.create(
                [
                    "apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": ["name": "default", "namespace": .string(work.name)],
                ], Resources.serviceAccounts, namespace: work.name)
        } catch let error as StatusError where error.isAlreadyExists {}
        return .done
    }
}
