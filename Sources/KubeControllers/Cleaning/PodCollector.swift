import KubeObject
public import KubeStore

/// Deletes pods that nobody will ever end: those bound to a node that isn't there, those that are deleted before they were
/// bound, and the oldest of too many finished ones.
public struct PodCollector: Reconciler {
    /// So many finished pods a cluster may keep.
    private let limit: Int

    public init(finishedPodLimit: Int = 12_500) { limit = finishedPodLimit }

    public var name: String { "pod-garbage-collector" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.pods), Key.prefix(Resources.nodes)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "Node" {
            guard event.type == .deleted else { return [] }
            return cluster.snapshot.list(prefix: Key.prefix(Resources.pods)).filter { PodState($0).nodeName == metadata.name }
                .map { ObjectName($0.metadata) }
        }
        guard event.type != .deleted else { return [] }
        let pod = PodState(event.object)
        if pod.isTerminating, pod.nodeName.isEmpty { return [ObjectName(metadata)] }
        // Counting is for the one key without a name.
        if pod.isFinished, !(event.previous.map { PodState($0).isFinished } ?? false),
            cluster.snapshot.count(prefix: Key.prefix(Resources.pods)) > limit
        {
            return [ObjectName(name: "")]
        }
        return []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        if work.name.isEmpty {
            let all = work.snapshot.list(prefix: Key.prefix(Resources.pods))
            let surplus = Self.surplus(of: all, limit: limit)
            try await concurrently(surplus) { pod in try await work.delete(Resources.pods, pod, gracePeriodSeconds: 0) }
            return .done
        }
        guard let object = work.object(Resources.pods) else { return .done }
        let pod = PodState(object)
        if pod.nodeName.isEmpty {
            if pod.isTerminating { try await work.delete(Resources.pods, object.metadata, gracePeriodSeconds: 0) }
            return .done
        }
        guard work.snapshot.get(Key(Resources.nodes, namespace: "", name: pod.nodeName)) == nil else { return .done }
        if !pod.isFinished {
            let time = Timestamp.format(work.now)
            try await work.change(Resources.pods, object.metadata, subresource: "status") { tree throws(StatusError) in
                tree[path: "status", "phase"] = "Failed"
                var conditions = [Condition](of: tree["status"])
                conditions.update(
                    Condition(
                        "DisruptionTarget", .true, reason: "DeletionByPodGC", message: "PodGC: node no longer exists",
                        lastTransitionTime: time))
                tree[path: "status", "conditions"] = conditions.tree
            }
        }
        try await work.delete(Resources.pods, object.metadata, gracePeriodSeconds: 0)
        return .done
    }

    /// The oldest finished pods that are too many.
    static func surplus(of pods: [Object], limit: Int) -> [Metadata] {
        let finished = pods.filter { PodState($0).isFinished }
        guard finished.count > limit else { return [] }
        return finished.sorted { $0.metadata.creationTimestamp < $1.metadata.creationTimestamp }.prefix(finished.count - limit)
            .map(\.metadata)
    }
}
