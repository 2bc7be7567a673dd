import KubeObject
import KubeSchema
public import KubeStore

/// Keeps the status of resource quotas: what a namespace uses of its limits.
public struct QuotaReconciler: Reconciler {
    public init() {}

    public var name: String { "resourcequota-controller" }
    public var concurrency: Int { 4 }
    public var watched: [String] { [""] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        guard !metadata.namespace.isEmpty else { return [] }
        if event.object.kind == "ResourceQuota", event.type != .deleted { return [ObjectName(metadata)] }
        let prefix = Key.prefix(Resources.resourceQuotas, namespace: metadata.namespace)
        let snapshot = cluster.snapshot
        guard snapshot.count(prefix: prefix) > 0, Self.matters(event) else { return [] }
        let resource = GroupResource(group: event.key.group, resource: event.key.plural)
        return snapshot.list(prefix: prefix).filter { QuotaStatus.counted(by: $0).contains(resource) }.map {
            ObjectName($0.metadata)
        }
    }

    /// Whether a change can change what is used: something came or went, a pod ended, or a service or claim changed.
    private static func matters(_ event: Event) -> Bool {
        guard event.type == .modified, let previous = event.previous else { return true }
        switch event.object.kind {
        case "Pod":
            return PodState(previous).isFinished != PodState(event.object).isFinished
                || previous.metadata.deletionTimestamp != event.object.metadata.deletionTimestamp
                || previous.tree["spec"] != event.object.tree["spec"]
        case "Service", "PersistentVolumeClaim": return previous.tree["spec"] != event.object.tree["spec"]
        default: return false
        }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let quota = work.object(Resources.resourceQuotas) else { return .done }
        let contents = QuotaStatus.counted(by: quota).compactMap { resource -> (resource: GroupResource, objects: [Object])? in
            let prefix = Key.prefix(group: resource.group, plural: resource.resource, namespace: work.namespace)
            return (resource, work.snapshot.list(prefix: prefix))
        }
        let status = QuotaStatus.make(quota, contents: contents, now: work.now)
        try await work.writeStatus(status, of: quota, Resources.resourceQuotas)
        return .done
    }
}
