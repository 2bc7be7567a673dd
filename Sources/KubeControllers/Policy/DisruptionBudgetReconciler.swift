import KubeObject
import KubeSchema
public import KubeStore

/// Keeps the status of pod disruption budgets, by which the eviction API decides.
public struct DisruptionBudgetReconciler: Reconciler {
    public init() {}

    public var name: String { "disruption-controller" }
    public var concurrency: Int { 4 }
    public var watched: [String] { [Key.prefix(Resources.podDisruptionBudgets), Key.prefix(Resources.pods)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind != "Pod" { return event.type == .deleted ? [] : [ObjectName(metadata)] }
        let budgets = cluster.snapshot.list(prefix: Key.prefix(Resources.podDisruptionBudgets, namespace: metadata.namespace))
        guard !budgets.isEmpty else { return [] }
        return budgets.filter { budget in
            guard let selector = Self.selector(of: budget) else { return false }
            return selector.matches(metadata.labels) || event.previous.map { selector.matches($0.metadata.labels) } ?? false
        }.map { ObjectName($0.metadata) }
    }

    /// An empty selector selects every pod of the namespace, none selects none.
    private static func selector(of budget: Object) -> LabelSelector? {
        guard let tree = budget.tree[path: "spec", "selector"], !tree.isNull else { return nil }
        return try? LabelSelector(tree)
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let budget = work.object(Resources.podDisruptionBudgets) else { return .done }
        let selector = Self.selector(of: budget)
        let pods = work.list(Resources.pods).filter { selector?.matches($0.metadata.labels) ?? false }.map(PodState.init)
        let (status, next) = DisruptionBudgetStatus.make(budget, pods: pods, scale: scale(of: pods, work), now: work.now)
        try await work.writeStatus(status, of: budget, Resources.podDisruptionBudgets)
        return .after(seconds: next)
    }

    /// What the controllers of these pods want in all; nil when a pod has none, or one that says no size.
    private func scale(of pods: [PodState], _ work: Work) -> Int64? {
        var sizes: [String: Int64] = [:]
        for pod in pods {
            guard let owner = pod.metadata.controller else { return nil }
            guard sizes[owner.uid] == nil else { continue }
            let resources = [
                "ReplicaSet": Resources.replicaSets, "StatefulSet": Resources.statefulSets,
                "ReplicationController": Resources.replicationControllers,
            ]
            guard let resource = resources[owner.kind],
                let object = work.snapshot.get(Key(resource, namespace: work.namespace, name: owner.name))
            else { return nil }
            // A set in the middle of a rollout wants what its deployment wants.
            if let above = object.metadata.controller, above.kind == "Deployment",
                let deployment = work.snapshot.get(Key(Resources.deployments, namespace: work.namespace, name: above.name))
            {
                sizes[above.uid] = deployment.tree[path: "spec", "replicas"]?.int ?? 1
                sizes[owner.uid] = 0
            } else {
                sizes[owner.uid] = object.tree[path: "spec", "replicas"]?.int ?? 1
            }
        }
        return sizes.values.reduce(0, +)
    }
}
