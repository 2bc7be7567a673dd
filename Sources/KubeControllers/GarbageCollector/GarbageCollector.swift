public import KubeObject
public import KubeSchema
public import KubeStore
import Synchronization

/// Deletes what no owner keeps, and carries out foreground and orphaning deletions.
///
/// Owners are found by looking them up; dependents by an index, which is made for a cluster when something in it is first deleted and
/// is forgotten after a while without changes. So a cluster in which nothing is deleted costs a look at each change's references.
///
/// Concurrency: the index of a cluster is changed by `keys` only, in commit order; `reconcile` reads it.
public final class GarbageCollector: Reconciler {
    private struct Entry {
        var index: OwnerIndex
        var usedAt: Duration
    }

    /// The resource of a kind, nil when the cluster knows none.
    public typealias Resolver = @Sendable (GroupVersionKind, LogicalCluster) -> ResourceType?

    private static let idleTime = Duration.seconds(300)

    private let resolve: Resolver
    private let uptime: @Sendable () -> Duration
    private let indexes = Mutex<[Int64: Entry]>([:])

    public init(
        clock: ControllerClock = .system, resolve: @escaping Resolver = { kind, _ in Schema.builtin.resource(forKind: kind) }
    ) {
        self.resolve = resolve
        uptime = clock.uptime
    }

    public var name: String { "generic-garbage-collector" }
    public var concurrency: Int { 16 }
    public var watched: [String] { [""] }

    public func forget(cluster: Int64) { indexes.withLock { $0[cluster] = nil } }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        update(event, cluster)
        if event.type == .deleted {
            let waiting = metadata.ownerReferences.compactMap { waitingOwner($0, of: metadata, in: cluster) }
            return dependents(of: metadata.uid, in: cluster).map { Self.name(of: Key($0)) } + waiting
        }
        if metadata.deletionTimestamp != nil {
            let isOurs = metadata.finalizers.contains { $0 == GarbagePlan.foreground || $0 == GarbagePlan.orphan }
            return isOurs ? [Self.name(of: event.key)] : []
        }
        let old = event.previous?.metadata.ownerReferences ?? []
        guard metadata.ownerReferences != old || event.previous == nil else { return [] }
        var keys = old.compactMap { waitingOwner($0, of: metadata, in: cluster) }
        let owners = metadata.ownerReferences.map { state(of: $0, for: metadata, in: cluster) }
        if owners.contains(where: { $0 != .solid }) { keys.append(Self.name(of: event.key)) }
        return keys
    }

    /// A key stands for an object of any resource, so it carries the whole of the object's key.
    private static func name(of key: Key) -> ObjectName { ObjectName(namespace: key.namespace, name: key.text) }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let key = Key(work.key.name)
        guard let object = work.snapshot.get(key) else { return .done }
        let kind = GroupVersion(apiVersion: object.apiVersion).kind(object.kind)
        guard let resource = resolve(kind, work.cluster) else { return .done }
        let metadata = object.metadata
        let owners = metadata.ownerReferences.map { state(of: $0, for: metadata, in: work.cluster) }
        let dependents = dependents(of: metadata.uid, in: work.cluster).compactMap { text -> GarbagePlan.Dependent? in
            let dependent = work.snapshot.get(Key(text))
            guard let dependent, let own = dependent.metadata.ownerReferences.first(where: { $0.uid == metadata.uid }) else {
                return nil
            }
            return GarbagePlan.Dependent(
                key: text, blocksOwner: own.blockOwnerDeletion, isWaiting: GarbagePlan.isWaiting(dependent.metadata))
        }
        if owners.contains(.invalid) { reportInvalid(object, owners, work) }
        let plan = GarbagePlan.decide(metadata, owners: owners, dependents: dependents)
        return try await perform(plan, object, resource, work)
    }

    private func perform(_ plan: GarbagePlan, _ object: Object, _ resource: ResourceType, _ work: Work) async throws -> Outcome {
        switch plan {
        case .keep: break
        case .dropOwners(let uids):
            try await work.change(resource, object.metadata) { tree in
                for uid in uids { ControllerOwnership.release(&tree, from: uid) }
            }
        case .delete(let policy, let unblock):
            if unblock {
                try await work.change(resource, object.metadata) { tree in
                    let references = tree[path: "metadata", "ownerReferences"]?.elements ?? []
                    tree[path: "metadata", "ownerReferences"] = .array(
                        references.map { reference in
                            var reference = reference
                            reference["blockOwnerDeletion"] = false
                            return reference
                        })
                }
            }
            try await work.delete(resource, object.metadata, policy: policy)
        case .awaitDependents(let keys): return Outcome(also: keys.map { Self.name(of: Key($0)) })
        case .removeFinalizer(let finalizer): try await remove(finalizer, from: object, resource, work)
        case .orphanDependents(let keys):
            try await concurrently(keys) { [self] text in
                guard let dependent = work.snapshot.get(Key(text)) else { return }
                let kind = GroupVersion(apiVersion: dependent.apiVersion).kind(dependent.kind)
                guard let resource = resolve(kind, work.cluster) else { return }
                do {
                    try await work.change(resource, dependent.metadata) {
                        ControllerOwnership.release(&$0, from: object.metadata.uid)
                    }
                } catch let error as StatusError where error.isNotFound {}
            }
            try await remove(GarbagePlan.orphan, from: object, resource, work)
        }
        return .done
    }

    private func remove(_ finalizer: String, from object: Object, _ resource: ResourceType, _ work: Work) async throws {
        do {
            try await work.change(resource, object.metadata) { tree in
                let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != finalizer }
                tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
            }
        } catch let error as StatusError where error.isNotFound {
            // Gone already.
        }
    }

    private func reportInvalid(_ object: Object, _ owners: [GarbagePlan.OwnerState], _ work: Work) {
        for (reference, state) in zip(object.metadata.ownerReferences, owners) where state == .invalid {
            let text =
                "ownerRef [\(reference.apiVersion)/\(reference.kind), namespace: , name: \(reference.name), uid: \(reference.uid)] "
                + "does not exist in namespace \"\(object.metadata.namespace)\""
            work.report(.warning, "OwnerRefInvalidNamespace", text, about: object)
        }
    }
}

// Owners.
extension GarbageCollector {
    private func state(
        of reference: OwnerReference, for dependent: Metadata, in cluster: LogicalCluster
    ) -> GarbagePlan.OwnerState {
        let kind = GroupVersion(apiVersion: reference.apiVersion).kind(reference.kind)
        // An owner of a kind that nobody knows may well be there: its definition may come back.
        guard let resource = resolve(kind, cluster) else { return .solid }
        if resource.isNamespaced, dependent.namespace.isEmpty { return .invalid }
        let owner = cluster.snapshot.get(Key(resource, namespace: dependent.namespace, name: reference.name))
        guard let owner, owner.metadata.uid == reference.uid else { return .absent }
        return GarbagePlan.isWaiting(owner.metadata) ? .waiting : .solid
    }

    /// The key of an owner that waits for its dependents, so that it learns that one is gone.
    private func waitingOwner(_ reference: OwnerReference, of dependent: Metadata, in cluster: LogicalCluster) -> ObjectName? {
        let kind = GroupVersion(apiVersion: reference.apiVersion).kind(reference.kind)
        guard let resource = resolve(kind, cluster) else { return nil }
        let key = Key(resource, namespace: dependent.namespace, name: reference.name)
        guard let owner = cluster.snapshot.get(key), owner.metadata.uid == reference.uid, GarbagePlan.isWaiting(owner.metadata)
        else { return nil }
        return Self.name(of: key)
    }
}

// The index.
extension GarbageCollector {
    private func update(_ event: Event, _ cluster: LogicalCluster) {
        let now = uptime()
        indexes.withLock { indexes in
            guard indexes[cluster.id] != nil else { return }
            indexes[cluster.id]?.index.apply(event)
            indexes[cluster.id]?.usedAt = now
        }
    }

    /// Makes the index if there is none.
    private func dependents(of uid: String, in cluster: LogicalCluster) -> [String] {
        let now = uptime()
        return indexes.withLock { indexes in
            if indexes[cluster.id] == nil {
                indexes = indexes.filter { now - $0.value.usedAt < Self.idleTime }
                indexes[cluster.id] = Entry(index: OwnerIndex(cluster.snapshot), usedAt: now)
            }
            return indexes[cluster.id]?.index.dependents(of: uid) ?? []
        }
    }
}
