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
        let logical = ClusterName.logical(namespace: work.namespace, name: work.name)
        let existing = store.info(logical)
        switch VirtualClusterStep.next(object: object?.metadata, existing: existing?.uid) {
        case .nothing: return .done
        case .remove:
            try await remove(logical)
            if let object, object.metadata.deletionTimestamp != nil { try await release(work, object) }
            return Outcome(also: object == nil ? [] : [ObjectName(namespace: work.namespace, name: work.name)])
        case .release:
            if let object { try await release(work, object) }
            return .done
        case .create:
            guard let object else { return .done }
            do {
                try await provisioner.create(logical, uid: object.metadata.uid)
            } catch StoreError.clusterExists {
                return Outcome(also: [ObjectName(namespace: work.namespace, name: work.name)])
            }
            return try await live(object, work)
        case .report:
            guard let object else { return .done }
            return try await live(object, work)
        }
    }

    /// Says how the cluster is, and ends it when its time is over.
    private func live(_ object: Object, _ work: Work) async throws -> Outcome {
        guard let end = Lifetime.end(of: object.tree), let created = Timestamp.parse(object.metadata.creationTimestamp) else {
            try await work.writeStatus(status(of: object, work, end: nil, isEnding: false), of: object, resource)
            return .done
        }
        guard work.now < end else {
            work.report(
                .normal, "Expired", "The cluster's time to live is over; it is deleted with everything in it.", about: object)
            try await work.delete(resource, object.metadata)
            return .done
        }
        let warning = end - Lifetime.warning(timeToLive: end - created)
        let isEnding = work.now >= warning
        if isEnding, Condition.find("Expiring", in: object.tree["status"])?.status != .true {
            work.report(
                .warning, "Expiring",
                "The cluster will be deleted at \(Timestamp.format(end)), in \(Lifetime.text(end - work.now)). To keep it, make its spec.timeToLive longer: sampan cluster extend",
                about: object)
        }
        try await work.writeStatus(status(of: object, work, end: end, isEnding: isEnding), of: object, resource)
        let next = (isEnding ? end : warning) - work.now
        return Outcome(after: .milliseconds(Int64(min(max(next, 0), 86_400) * 1000) + 1))
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

    private func status(of object: Object, _ work: Work, end: Double?, isEnding: Bool) -> JSON {
        var conditions = (object.tree[path: "status", "conditions"]?.elements ?? []).map(Condition.init)
        let isReady = conditions.contains { $0.type == "Ready" && $0.status == .true }
        if !isReady {
            conditions.removeAll { $0.type == "Ready" }
            conditions.append(
                Condition(
                    "Ready", .true, reason: "Created", message: "The cluster's API answers.",
                    lastTransitionTime: Timestamp.format(work.now)))
        }
        let known = conditions.first { $0.type == "Expiring" }
        if isEnding != (known?.status == .true) {
            conditions.removeAll { $0.type == "Expiring" }
            if isEnding {
                conditions.append(
                    Condition(
                        "Expiring", .true, reason: "TimeToLive", message: "The cluster's time to live is nearly over.",
                        lastTransitionTime: Timestamp.format(work.now)))
            }
        }
        var status: JSON = [
            "phase": "Ready", "clusterUID": .string(object.metadata.uid), "kubernetesVersion": .string(KubernetesVersion.text),
            "server": .string(
                provisioner.endpoint.address(
                    of: ClusterName.logical(namespace: object.metadata.namespace, name: object.metadata.name))),
            "conditions": .array(conditions.map(\.tree)),
        ]
        if let end { status["expirationTime"] = .string(Timestamp.format(end)) }
        return status
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
