import KubeAPI
import KubeControllers
import KubeObject
import KubeStore

extension VirtualClusterReconciler {
    /// How often it is looked whether what keeps a cluster awake is over, in seconds.
    private static let retry: Double = 60

    /// Has a cluster fall asleep or wake, when it is time to.
    ///
    /// - Returns: when to look again, in seconds since 1970.
    func considerSleep(_ object: Object, _ work: Work) async throws -> Double? {
        let spec = SleepSpec(object.tree["spec"] ?? [:])
        guard !spec.isEmpty, let object = work.cluster.snapshot.get(Self.key(work)) else { return nil }
        let name = SleepKeeper.logical(object.metadata)
        let state = SleepState(object.tree)
        let now = Timestamp.seconds
        func plan() -> SleepPlan {
            SleepPlan(
                spec, isAwake: state.isAwake, since: state.since, lastUse: keeper.lastUse(of: object)?.time ?? 0, now: now)
        }
        let first = plan()
        switch first.step {
        case .stay: return first.nextLook
        case .wake:
            keeper.wake(name, ClusterUse(.schedule, "the night of its spec.sleep.schedule is over"))
            return first.nextLook
        case .sleep(let reason):
            guard let cluster = try await store.cluster(name) else { return nil }
            let connections = await keeper.lookForConnections(to: cluster)
            let second = plan()
            guard case .sleep = second.step else { return second.nextLook }
            if connections > 0 || !keeper.book.open(of: name).isEmpty
                || !ClusterPods.working(cluster.snapshot, now: now).isEmpty
            {
                return now + min(Self.retry, spec.afterIdle ?? Self.retry)
            }
            try await keeper.fallAsleep(name, reason, decided: now)
            // What was written brings us here again.
            return nil
        }
    }

    private static func key(_ work: Work) -> Key {
        Key(
            group: Platform.group, plural: Platform.virtualClusters.resource, namespace: work.namespace, name: work.name)
    }
}
