import KubeAPI
import KubeObject
public import KubeRegistry
import KubeSchema
public import KubeStore
import Synchronization

/// Makes virtual clusters that begin with what others had, by the same rules as any other: who may make one, what it may have, and how much room
/// there is.
///
/// Concurrency: any task.
public final class ArchivedClusters: Sendable {
    /// How long the reconciler may take to make a cluster; it takes as long as the commit.
    private static let patience: Duration = .seconds(50)

    private let store: Store
    private let quotas: QuotaKeeper
    /// What is to be made.
    public let arrivals = ArchivedArrivals()
    private let services = Mutex<(registry: Registry, provisioner: ClusterProvisioner)?>(nil)

    /// - Parameters:
    ///   - store: where the clusters are.
    ///   - quotas: has the count of what pods and claims have.
    public init(store: Store, quotas: QuotaKeeper) {
        self.store = store
        self.quotas = quotas
    }

    /// Called when the server is put together; until then it answers that it starts.
    public func attach(_ registry: Registry, _ provisioner: ClusterProvisioner) {
        services.withLock { $0 = (registry, provisioner) }
    }

    /// Where what a cluster begins with comes from.
    enum Origin: Sendable {
        /// Somewhere else, with its identity.
        case archive
        /// A cluster here, which gives away no identity.
        case clone
        /// A cluster that was here before, and is again.
        case deleted(RetiredCluster, DeletedCluster)

        var isArchive: Bool { if case .archive = self { true } else { false } }
        var isClone: Bool { if case .clone = self { true } else { false } }
        var isDeleted: Bool { if case .deleted = self { true } else { false } }
    }

    /// What a new cluster is to be.
    struct Wanted: Sendable {
        var namespace: String
        var name: String
        /// The virtual cluster's.
        var spec: JSON
        var record: JSON
        var objects: [(key: Key, object: Object)]
        var revision: UInt64
        var origin: Origin
    }

    /// A cluster that may be made, and for which there is room in its team's quota for as long as this is kept.
    struct Prepared: Sendable {
        var wanted: Wanted
        fileprivate var room: QuotaBook.Reservation?
    }

    /// Looks whether it may be made, without making anything.
    ///
    /// - Throws: what a create of the virtual cluster throws, and of each of its objects.
    func prepare(_ wanted: Wanted, _ context: RequestContext) async throws(StatusError) -> Prepared {
        let (registry, _) = try attached()
        let prepared = try await judge(wanted, registry, context)
        guard let resource = registry.schema(of: context.cluster).resource(Platform.virtualClusters) else {
            throw .unknownPath()
        }
        var options = CreateOptions()
        options.dryRun = true
        _ = try await registry.create(
            Self.virtualCluster(wanted), resource, namespace: wanted.namespace, options, context)
        return prepared
    }

    private func attached() throws(StatusError) -> (registry: Registry, provisioner: ClusterProvisioner) {
        guard let services = services.withLock({ $0 }) else { throw .serviceUnavailable("the server is still starting") }
        return services
    }

    private func judge(
        _ wanted: Wanted, _ registry: Registry, _ context: RequestContext
    ) async throws(StatusError) -> Prepared {
        try Self.authorize(wanted, context, registry)
        let amounts = try await Self.check(wanted, registry)
        let logical = ClusterName.logical(namespace: wanted.namespace, name: wanted.name)
        let room = try await quotas.reserveCluster(amounts, name: logical, spec: wanted.spec, in: context.cluster.snapshot)
        return Prepared(wanted: wanted, room: room)
    }

    private static func virtualCluster(_ wanted: Wanted) -> JSON {
        [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "VirtualCluster",
            "metadata": ["name": .string(wanted.name), "namespace": .string(wanted.namespace)], "spec": wanted.spec,
        ]
    }

    /// Makes it; its API answers when this returns.
    ///
    /// - Throws: what a create of the virtual cluster throws, and of each of its objects.
    func make(_ wanted: Wanted, _ options: CreateOptions, _ context: RequestContext) async throws(StatusError) -> JSON {
        let (registry, _) = try attached()
        return try await make(try await judge(wanted, registry, context), volumes: nil, options, context)
    }

    /// Makes one that was found good.
    ///
    /// - Parameter volumes: under which id its volumes were received. Its pods wait until they are in their place.
    func make(
        _ prepared: Prepared, volumes: String?, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> JSON {
        defer { withExtendedLifetime(prepared.room) {} }
        let (registry, provisioner) = try attached()
        let wanted = prepared.wanted
        let logical = ClusterName.logical(namespace: wanted.namespace, name: wanted.name)
        let content: ArchivedArrivals.Content
        do {
            content = .init(
                record: wanted.record, objects: try await provisioner.relocate(wanted), origin: wanted.origin, spec: wanted.spec)
        } catch {
            throw .badRequest("the objects can't be a cluster's: \(error)")
        }
        let id = arrivals.add(content, volumes: volumes)
        defer { arrivals.remove(id) }
        var object = Self.virtualCluster(wanted)
        object[path: "metadata", "annotations"] = [ArchivedArrivals.annotation: .string(id)]
        if case .deleted(_, let deleted) = wanted.origin {
            object = deleted.virtualCluster(named: wanted.name, beginsWith: id)
        }
        guard let resource = registry.schema(of: context.cluster).resource(Platform.virtualClusters) else {
            throw .unknownPath()
        }
        let created = try await registry.create(object, resource, namespace: wanted.namespace, options, context)
        if !options.dryRun {
            try await arrival(of: created.answer.tree[path: "metadata", "uid"]?.string ?? "", logical, wanted, context)
        }
        return created.answer.tree
    }

    /// A subresource's verb isn't enough: what comes out is a virtual cluster.
    private static func authorize(
        _ wanted: Wanted, _ context: RequestContext, _ registry: Registry
    ) throws(StatusError) {
        let attributes = AccessAttributes(
            user: context.user, verb: "create", apiGroup: Platform.group, apiVersion: Platform.version.version,
            resource: Platform.virtualClusters.resource, namespace: wanted.namespace)
        guard context.isInternal || registry.authorizer.decide(attributes, in: context.cluster).isAllowed else {
            throw attributes.forbidden()
        }
    }

    /// - Returns: what its pods and claims have of the machine.
    private static func check(_ wanted: Wanted, _ registry: Registry) async throws(StatusError) -> MachineAmounts {
        let policy = ClusterPolicies.policy(wanted.spec)
        // What was there may come back.
        guard wanted.origin.isDeleted || wanted.objects.count <= policy.limits.objects + Bootstrap.base.snapshot.count(prefix: "")
        else {
            throw .forbidden(
                Platform.virtualClusters, wanted.name,
                "a cluster may have \(policy.limits.objects) objects of its own, and this one would have \(wanted.objects.count)")
        }
        let bytes = wanted.objects.reduce(0) { $0 + $1.object.bytes.count }
        guard wanted.origin.isDeleted || bytes <= policy.limits.bytes else {
            throw .forbidden(
                Platform.virtualClusters, wanted.name,
                "the objects of a cluster may have \(policy.limits.bytes) bytes together, and this one's would have \(bytes)")
        }
        let rules = ForeignObjects(
            wanted.objects, schema: registry.schema, podSecurity: policy.podSecurity, isDualStack: registry.isDualStack)
        var amounts = MachineAmounts()
        for (index, entry) in wanted.objects.enumerated() {
            if wanted.origin.isArchive { try rules.check(entry.key, entry.object) }
            let resource = GroupResource(group: entry.key.group, resource: entry.key.plural)
            if MachineCharge.counts(resource) {
                amounts += MachineCharge.of(entry.object.passingTree, resource)
            }
            if index % 64 == 63 { await Task.yield() }
        }
        return amounts
    }

    private func arrival(
        of uid: String, _ logical: String, _ wanted: Wanted, _ context: RequestContext
    ) async throws(StatusError) {
        let key = Key(
            group: Platform.group, plural: Platform.virtualClusters.resource, namespace: wanted.namespace, name: wanted.name)
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while store.info(logical)?.uid != uid {
            guard context.cluster.snapshot.get(key)?.metadata.uid == uid, clock.now < deadline else {
                throw .internalError(
                    "cluster \(wanted.name) couldn't be made, and nothing of it is left here: see the server's log, and try again"
                )
            }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { throw .timeout("the request was given up") }
        }
    }
}
