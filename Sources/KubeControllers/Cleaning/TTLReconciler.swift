import KubeObject
public import KubeStore

/// Deletes finished jobs when their time is over (`ttlSecondsAfterFinished`).
public struct TTLReconciler: Reconciler {
    public init() {}

    public var name: String { "ttl-after-finished-controller" }
    public var concurrency: Int { 4 }
    public var watched: [String] { [Key.prefix(Resources.jobs)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type != .deleted && Self.secondsLeft(event.object, now: 0) != nil ? [ObjectName(event.object.metadata)] : []
    }

    /// How long a finished job may stay; nil when it isn't finished, is being deleted, or may stay for ever.
    static func secondsLeft(_ job: Object, now: Double) -> Double? {
        guard job.metadata.deletionTimestamp == nil, let limit = job.tree[path: "spec", "ttlSecondsAfterFinished"]?.int else {
            return nil
        }
        let end = [Condition](of: job.tree["status"]).first {
            ($0.type == "Complete" || $0.type == "Failed") && $0.status == .true
        }
        guard let time = end?.lastTransitionTime?.timestamp else { return nil }
        return max(0, time + Double(limit) - now)
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let job = work.object(Resources.jobs), let left = Self.secondsLeft(job, now: work.now) else { return .done }
        if left > 0 { return .after(seconds: left + 0.1) }
        try await work.delete(Resources.jobs, job.metadata, policy: .foreground)
        return .done
    }
}
