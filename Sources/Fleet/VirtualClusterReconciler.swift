import KubeAPI
public import KubeControllers
import KubeObject
import KubeRegistry
public import KubeSchema
public import KubeStore
import Synchronization

/// Brings logical clusters in line with the virtual clusters of the root cluster.
///
/// A logical cluster carries the uid of its virtual cluster, so that killing the server between any two steps leaves nothing half done: the next
/// start sees both and goes on.
public struct VirtualClusterReconciler: Reconciler {
    private let resource: ResourceType
    let store: Store
    private let provisioner: ClusterProvisioner
    let keeper: SleepKeeper
    private let arrivals: ArchivedArrivals
    private let transfers: VolumeTransfers
    let keeping: DeletedClusterKeeping
    private let endings: DeletedClusterEndings
    private let leaving = Leaving()

    /// Logical clusters that are gone but for their pods, by the uid of their object. A restart forgets it, and ends their pods itself.
    private final class Leaving: Sendable {
        let ids = Mutex<[String: Int64]>([:])
    }

    /// How often it is looked whether a cluster's last pod is gone.
    private static let look: Duration = .milliseconds(50)

    /// - Parameters:
    ///   - resource: `virtualclusters`, as the root cluster's schema has it.
    ///   - keeper: puts clusters to sleep.
    ///   - arrivals: has what clusters begin with that don't begin empty.
    ///   - transfers: has volumes that were received for clusters.
    ///   - keeping: how those are kept that are deleted.
    ///   - endings: whose pods still end.
    public init(
        resource: ResourceType, store: Store, provisioner: ClusterProvisioner, keeper: SleepKeeper, arrivals: ArchivedArrivals,
        transfers: VolumeTransfers, keeping: DeletedClusterKeeping, endings: DeletedClusterEndings
    ) {
        self.endings = endings
        self.keeping = keeping
        self.arrivals = arrivals
        self.transfers = transfers
        self.keeper = keeper
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
            try await end(logical, object, work)
            if let object, object.metadata.deletionTimestamp != nil {
                leaving.ids.withLock { $0[object.metadata.uid] = existing?.id }
                return try await release(work, object)
            }
            return Outcome(also: object == nil ? [] : [ObjectName(namespace: work.namespace, name: work.name)])
        case .release:
            guard let object else { return .done }
            return try await release(work, object)
        case .create:
            guard let object else { return .done }
            do {
                guard try await make(logical, object, work) else { return .done }
            } catch StoreError.clusterExists {
                return Outcome(also: [ObjectName(namespace: work.namespace, name: work.name)])
            }
            return try await live(object, work)
        case .report:
            guard let object else { return .done }
            return try await live(object, work)
        }
    }

    /// Makes the logical cluster: an empty one, or with what the object says that it begins with.
    ///
    /// - Returns: whether it is there.
    private func make(_ logical: String, _ object: Object, _ work: Work) async throws -> Bool {
        guard let id = object.tree[path: "metadata", "annotations", ArchivedArrivals.annotation]?.string else {
            try await provisioner.create(logical, uid: object.metadata.uid, spec: object.tree["spec"] ?? [:])
            return true
        }
        if let content = arrivals.content(id) {
            do {
                try await provisioner.create(logical, uid: object.metadata.uid, with: content)
                // It is deleted no more.
                if case .deleted(_, let told) = content.origin { try await work.delete(keeping.resource, told.object.metadata) }
                return true
            } catch StoreError.noSuchCluster {
                // The deleted cluster's time ended meanwhile.
            }
        }
        work.report(
            .warning, "ImportInterrupted",
            "The server ended before the cluster was imported, cloned or undeleted, or it was gone by then; nothing of it is left here. Do it again.",
            about: object)
        try await work.delete(resource, object.metadata)
        Healings.process.note(.imports)
        return false
    }

    /// A cluster that is there needs no word of what it began with.
    private func forgetBeginning(_ object: Object, _ work: Work) async throws {
        guard object.tree[path: "metadata", "annotations", ArchivedArrivals.annotation] != nil else { return }
        // Before that, so that what a kill interrupts goes on afterwards; the pods run when the word is gone.
        if let id = ArchivedArrivals.volumes(of: object.tree), let info = store.info(SleepKeeper.logical(object.metadata)) {
            try transfers.place(id, in: info.id)
        }
        try await work.change(resource, object.metadata) { tree in
            tree[path: "metadata", "annotations", ArchivedArrivals.annotation] = nil
            if tree[path: "metadata", "annotations"]?.object?.isEmpty == true { tree[path: "metadata", "annotations"] = nil }
        }
    }

    /// Says how the cluster is, has it sleep and wake, and ends it when its time is over.
    private func live(_ object: Object, _ work: Work) async throws -> Outcome {
        try await forgetBeginning(object, work)
        let end = Lifetime.end(of: object.tree)
        var looks: [Double] = []
        var isEnding = false
        if let end, let created = Timestamp.parse(object.metadata.creationTimestamp) {
            let warning = end - Lifetime.warning(timeToLive: end - created)
            isEnding = work.now >= warning
            let warned = Lifetime.warned(of: object.tree)
            let deletion = Lifetime.deletion(end: end, timeToLive: end - created, warned: warned, now: work.now)
            if isEnding, work.now >= deletion {
                work.report(
                    .normal, "Expired", "The cluster's time to live is over; it is deleted with everything in it.", about: object)
                try await work.delete(resource, object.metadata)
                return .done
            }
            looks.append(isEnding ? deletion : warning)
            if isEnding, warned == nil {
                work.report(
                    .warning, "Expiring",
                    "The cluster will be deleted at \(Timestamp.format(deletion)), in \(Lifetime.text(deletion - work.now)). To keep it, make its spec.timeToLive longer: sampan cluster extend",
                    about: object)
            }
        }
        let trusted = try await settleAuthority(of: object, work)
        if let trusted { looks.append(trusted) }
        let authorityEnd = try await authorityEnd(of: object, work)
        // Over what it is by then: others write when it fell asleep, woke, and was used.
        try await work.change(resource, object.metadata, subresource: "status") { tree in
            tree["status"] = status(
                over: tree, work, end: end, isEnding: isEnding, formerTrusted: trusted, authorityEnd: authorityEnd)
            tree[path: "status", "observedGeneration"] = .int(object.metadata.generation)
        }
        if let look = try await considerSleep(object, work) { looks.append(look) }
        guard let next = looks.min() else { return .done }
        return Outcome(after: .milliseconds(Int64(min(max(next - work.now, 0), 86_400) * 1000) + 1))
    }

    /// Goes on with a change of the cluster's authority that the object tells of.
    ///
    /// - Returns: until when a former authority is still trusted, in seconds since 1970.
    private func settleAuthority(of object: Object, _ work: Work) async throws -> Double? {
        guard object.tree[path: "metadata", "annotations", AuthorityHandler.annotation] != nil,
            let cluster = try await store.cluster(ClusterName.logical(namespace: work.namespace, name: work.name))
        else { return nil }
        if let trusted = try await provisioner.settleAuthority(of: cluster, now: work.now) { return trusted }
        try await work.change(resource, object.metadata) { tree in
            tree[path: "metadata", "annotations", AuthorityHandler.annotation] = nil
        }
        return nil
    }

    /// When the cluster's authority ends. It is looked at once, and again while the object tells of a change.
    private func authorityEnd(of object: Object, _ work: Work) async throws -> String? {
        let told = object.tree[path: "status", "authorityExpirationTime"]?.string
        guard told == nil || object.tree[path: "metadata", "annotations", AuthorityHandler.annotation] != nil,
            let cluster = try await store.cluster(ClusterName.logical(namespace: work.namespace, name: work.name)),
            cluster.uid == object.metadata.uid
        else { return told }
        return Timestamp.format(try provisioner.identities.identity(of: cluster).authorityExpiration)
    }

    /// Lets the object go, when nothing of its cluster runs any more.
    private func release(_ work: Work, _ object: Object) async throws -> Outcome {
        let uid = object.metadata.uid
        if let id = leaving.ids.withLock({ $0[uid] }), endings.isEnding(id) { return Outcome(after: Self.look) }
        leaving.ids.withLock { $0[uid] = nil }
        let others = object.metadata.finalizers.filter { $0 != VirtualClusterAdmission.finalizer }
        if !others.isEmpty {
            try await work.change(resource, object.metadata, subresource: "status") { tree in
                let gone = Condition(
                    "Ready", .false, reason: "Deleted",
                    message:
                        "The cluster is gone. Its object is kept by finalizers of others: \(others.joined(separator: ", ")).",
                    lastTransitionTime: Timestamp.format(work.now))
                tree[path: "status", "phase"] = "Terminating"
                tree[path: "status", "conditions"] = .array([gone.tree])
            }
        }
        try await work.change(resource, object.metadata) { tree in
            let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != VirtualClusterAdmission.finalizer }
            tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
        }
        return .done
    }

    private func status(
        over cluster: JSON, _ work: Work, end: Double?, isEnding: Bool, formerTrusted: Double?, authorityEnd: String?
    ) -> JSON {
        let now = Timestamp.format(work.now)
        var status = cluster["status"] ?? [:]
        var conditions = (status["conditions"]?.elements ?? []).map(Condition.init)
        if !conditions.contains(where: { $0.type == "Ready" && $0.status == .true }) {
            conditions.removeAll { $0.type == "Ready" }
            conditions.append(
                Condition("Ready", .true, reason: "Created", message: "The cluster's API answers.", lastTransitionTime: now))
        }
        let known = conditions.first { $0.type == "Expiring" }
        if isEnding != (known?.status == .true) {
            conditions.removeAll { $0.type == "Expiring" }
            if isEnding {
                conditions.append(
                    Condition(
                        "Expiring", .true, reason: "TimeToLive", message: "The cluster's time to live is nearly over.",
                        lastTransitionTime: now))
            }
        }
        status["conditions"] = .array(conditions.map(\.tree))
        let state = SleepState(cluster)
        status["phase"] = state.isAwake ? "Ready" : "Asleep"
        if !conditions.contains(where: { $0.type == SleepState.condition }) { state.write(to: &status) }
        status["clusterUID"] = cluster[path: "metadata", "uid"]
        status["architecture"] = .string(MachineArchitecture.name)
        status["kubernetesVersion"] = .string(KubernetesVersion.text)
        status["server"] = .string(
            provisioner.endpoint.address(of: ClusterName.logical(namespace: work.namespace, name: work.name)))
        status["expirationTime"] = end.map { .string(Timestamp.format($0)) }
        if let authorityEnd { status["authorityExpirationTime"] = .string(authorityEnd) }
        status["formerAuthorityTrustedUntil"] = formerTrusted.map { .string(Timestamp.format($0)) }
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
