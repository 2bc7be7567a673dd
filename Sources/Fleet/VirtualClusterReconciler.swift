public import KubeControllers
import KubeObject
public import KubeSchema
public import KubeStore

/// Brings logical clusters in line with the virtual clusters of the root cluster.
///
/// A logical cluster carries the uid of its virtual cluster, so that killing the server between any two steps leaves nothing half done: the next
/// start sees both and goes on.
public struct VirtualClusterReconciler: Reconciler {
    private let resource: ResourceType
    private let store: Store
    private let provisioner: ClusterProvisioner

    /// - Parameter resource: `virtualclusters`, as the root cluster's schema has it.
    public init(resource: ResourceType, store: Store, provisioner: ClusterProvisioner) {
        self.resource = resource
        self.store = store
        self.provisioner = provisioner
    }

    public var name: String { "virtualcluster-controller" }
    public var watched: [String] { [Key.prefix(group: resource.gvr.group, plural: resource.plural, namespace: nil)] }
    public var concurrency: Int { 16 }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        cluster.name == Platform.rootCluster ? [ObjectName(event.object.metadata)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let object = work.object(resource)
        let existing = store.info(work.name)
        switch VirtualClusterStep.next(object: object?.metadata, existing: existing?.uid) {
        case .nothing: return .done
        case .remove:
            try await remove(work.name)
            if let object, object.metadata.deletionTimestamp != nil { try await release(work, object) }
            return Outcome(also: object == nil ? [] : [ObjectName(name: work.name)])
        case .release:
            if let object { try await release(work, object) }
            return .done
        case .create:
            guard let object else { return .done }
            do {
                try await provisioner.create(work.name, uid: object.metadata.uid)
            } catch StoreError.clusterExists {
                return Outcome(also: [ObjectName(name: work.name)])
            }
            try await work.writeStatus(status(of: object, work), of: object, resource)
        case .report:
            guard let object else { return .done }
            try await work.writeStatus(status(of: object, work), of: object, resource)
        }
        return .done
    }

    private func remove(_ name: String) async throws {
        do {
            try await store.deleteCluster(name)
        } catch StoreError.noSuchCluster {
            // A kill after the deletion and before the finalizer went.
        }
    }

    private func release(_ work: Work, _ object: Object) async throws {
        try await work.change(resource, object.metadata) { tree in
            let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != VirtualClusterAdmission.finalizer }
            tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
        }
    }

    private func status(of object: Object, _ work: Work) -> JSON {
        var conditions = (object.tree[path: "status", "conditions"]?.elements ?? []).map(Condition.init)
        let isReady = conditions.contains { $0.type == "Ready" && $0.status == .true }
        if !isReady {
            conditions.removeAll { $0.type == "Ready" }
            conditions.append(
                Condition(
                    "Ready", .true, reason: "Created", message: "The cluster's API answers.",
                    lastTransitionTime: Timestamp.format(work.now)))
        }
        return [
            "phase": "Ready", "clusterUID": .string(object.metadata.uid), "kubernetesVersion": .string(KubernetesVersion.text),
            "server": .string(provisioner.endpoint.address(of: object.metadata.name)),
            "conditions": .array(conditions.map(\.tree)),
        ]
    }
}

/// What is to be done next about one name.
enum VirtualClusterStep: Equatable {
    case nothing, create, report
    /// The logical cluster must go: its virtual cluster is being deleted, is gone, or is another one of the same name.
    case remove
    /// The logical cluster is gone: the object may follow.
    case release

    static func next(object: Metadata?, existing uid: String?) -> VirtualClusterStep {
        switch (object, uid) {
        case (nil, nil): .nothing
        case (nil, _?): .remove
        case (let object?, let uid?) where object.deletionTimestamp != nil || object.uid != uid: .remove
        case (let object?, nil) where object.deletionTimestamp != nil:
            object.finalizers.contains(VirtualClusterAdmission.finalizer) ? .release : .nothing
        case (_?, nil): .create
        case (_?, _?): .report
        }
    }
}
