public import KubeControllers
import KubeObject
public import KubeSchema
public import KubeStore
public import Logging

/// Ends deleted clusters for good: when their time is over, when somebody deletes them once more, or when there are too many.
///
/// The object stays until nothing is left, so a kill at any moment leaves something that has a next step.
public struct DeletedClusterReconciler: Reconciler {
    private let resource: ResourceType
    private let store: Store
    private let removeVolumes: @Sendable (Int64) async -> Void

    /// - Parameters:
    ///   - resource: `deletedclusters`, as the root cluster's schema has it.
    ///   - removeVolumes: of a logical cluster that is gone for good.
    public init(resource: ResourceType, store: Store, removeVolumes: @escaping @Sendable (Int64) async -> Void) {
        self.resource = resource
        self.store = store
        self.removeVolumes = removeVolumes
    }

    public var name: String { "deletedcluster-controller" }
    public var watched: [String] { [DeletedCluster.prefix(namespace: nil)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard cluster.name == Platform.rootCluster, event.type != .deleted else { return [] }
        let own = ObjectName(event.object.metadata)
        // Without a name, its namespace is meant: how many there are is looked at once, however many come at a time.
        return event.type == .added ? [own, ObjectName(namespace: own.namespace, name: "")] : [own]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        if work.name.isEmpty {
            for other in surplus(work) { try await work.delete(resource, other.object.metadata) }
            return .done
        }
        guard let object = work.object(resource) else { return .done }
        let deleted = DeletedCluster(object)
        var kept: ClusterInfo?
        switch store.whereabouts(ofUID: deleted.uid, named: deleted.logical) {
        // Its virtual cluster is in the midst of its deletion: what it has is put away in a moment.
        case .inUse: return Outcome(after: .seconds(1))
        case .retired(let info): kept = info
        case .nowhere: break
        }
        if object.metadata.deletionTimestamp != nil {
            if let kept { try await discard(kept.id) }
            try await release(object, work)
            return .done
        }
        guard kept != nil, deleted.end.map({ work.now < $0 }) ?? true else {
            // It is over, or the cluster is back.
            try await work.delete(resource, object.metadata)
            return .done
        }
        return Outcome(after: deleted.end.map { .milliseconds(Int64(min(max($0 - work.now, 0), 86_400) * 1000) + 1) })
    }

    private func surplus(_ work: Work) -> [DeletedCluster] {
        let all = work.list(resource).filter { $0.metadata.deletionTimestamp == nil }.map(DeletedCluster.init)
        let quota = Team(of: work.namespace, in: work.snapshot).map { MachineLimits($0.object.tree[path: "spec", "quota"]) }
        return DeletedClusterPlan.surplus(all, storage: quota?[.storage])
    }

    private func discard(_ id: Int64) async throws {
        do { try await store.discardRetired(id: id) } catch StoreError.noSuchCluster {
            // It has just come back.
            return
        }
        await removeVolumes(id)
    }

    private func release(_ object: Object, _ work: Work) async throws {
        try await work.change(resource, object.metadata) { tree in
            let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != DeletedCluster.finalizer }
            tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
        }
    }

    /// Removes what no object tells of, because somebody took its finalizer away: at the start, before anything else happens.
    public static func removeOrphans(of store: Store, in root: LogicalCluster, _ logger: Logger) async throws(StoreError) {
        let told = Set(root.snapshot.list(prefix: DeletedCluster.prefix(namespace: nil)).map { DeletedCluster($0).uid })
        for orphan in store.retiredClusters where !told.contains(orphan.uid) {
            logger.notice("a deleted cluster that no object tells of is removed", metadata: ["cluster": "\(orphan.name)"])
            try await store.discardRetired(id: orphan.id)
            Healings.process.note(.deletedClusters)
        }
    }
}
