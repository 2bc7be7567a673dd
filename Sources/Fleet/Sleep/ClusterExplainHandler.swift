public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/explain`: why a cluster is awake or asleep, when that changes, and who or what has to do with it.
public struct ClusterExplainHandler: SubresourceHandler {
    private let keeper: SleepKeeper
    private let store: Store

    /// - Parameter store: where the clusters are.
    public init(_ keeper: SleepKeeper, store: Store) {
        self.keeper = keeper
        self.store = store
    }

    /// The virtual cluster of this name.
    static func cluster(_ namespace: String, _ name: String, _ context: RequestContext) throws(StatusError) -> Object {
        let key = Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: name)
        guard let object = context.cluster.snapshot.get(key) else { throw .notFound(Platform.virtualClusters, name) }
        return object
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let object = try Self.cluster(namespace, name, context)
        let logical = SleepKeeper.logical(object.metadata)
        let now = Timestamp.seconds
        let state = SleepState(object.tree)
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterExplanation", "awake": .bool(state.isAwake),
            "reason": .string(state.reason), "message": .string(state.message), "since": .string(Timestamp.format(state.since)),
            "waking": .bool(keeper.book.wake(of: logical) != nil),
        ]
        do {
            if let cluster = try await store.cluster(logical) {
                if state.isAwake { _ = await keeper.lookForConnections(to: cluster) }
                let snapshot = cluster.snapshot
                let (all, ready) = ClusterPods.count(snapshot)
                answer["pods"] = .int(Int64(all))
                answer["readyPods"] = .int(Int64(ready))
                answer["runningPods"] = .int(Int64(ClusterPods.running(snapshot)))
                answer["keptAwakeBy"] = JSON(ClusterPods.working(snapshot, now: now).map { "pod \($0)" })
            }
        } catch {
            throw .internalError("loading cluster \(logical): \(error)")
        }
        let use = keeper.lastUse(of: object)
        let plan = SleepPlan(
            SleepSpec(object.tree["spec"] ?? [:]), isAwake: state.isAwake, since: state.since, lastUse: use?.time ?? 0, now: now)
        answer["inUse"] = JSON(keeper.book.open(of: logical).sorted())
        if let use {
            answer["lastUsedTime"] = .string(Timestamp.format(use.time))
            answer["lastUse"] = .string(use.text)
        }
        answer["sleepTime"] = plan.sleepsAt.map { .string(Timestamp.format($0)) }
        answer["sleepReason"] = plan.sleepReason.map { .string($0.rawValue) }
        answer["wakeTime"] = plan.wakesAt.map { .string(Timestamp.format($0)) }
        answer["refusal"] = keeper.book.refusal(of: logical).map { .string($0) }
        if let deletion = object.metadata.deletionTimestamp {
            answer["deletionTime"] = .string(deletion)
            answer["finalizers"] = JSON(object.metadata.finalizers.filter { $0 != VirtualClusterAdmission.finalizer })
        }
        answer["expirationTime"] = Lifetime.deletion(of: object.tree, now: now).map { .string(Timestamp.format($0)) }
        return WriteResult(.document(answer), code: 201)
    }
}
