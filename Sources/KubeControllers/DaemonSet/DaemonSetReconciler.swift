import KubeObject
public import KubeStore

/// Keeps one pod of a daemon set on each node that fits. What to do next is `DaemonSetPlan`'s to say.
public struct DaemonSetReconciler: Reconciler {
    public init() {}

    public var name: String { "daemonset-controller" }
    public var watched: [String] {
        [Key.prefix(Resources.daemonSets), Key.prefix(Resources.pods), Key.prefix(Resources.nodes)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        switch event.object.kind {
        case "DaemonSet": return event.type == .deleted ? [] : [ObjectName(event.object.metadata)]
        case "Node":
            let isSame =
                event.type == .modified && event.previous?.metadata.labels == event.object.metadata.labels
                && event.previous?.tree["spec"] == event.object.tree["spec"]
            if isSame { return [] }
            return cluster.snapshot.list(prefix: Key.prefix(Resources.daemonSets)).map { ObjectName($0.metadata) }
        default:
            return PodOwners.keys(for: event, kind: "DaemonSet") { metadata in
                cluster.snapshot.list(prefix: Key.prefix(Resources.daemonSets, namespace: metadata.namespace)).filter {
                    guard let selector = Self.selector(of: $0), !selector.isEmpty else { return false }
                    return selector.matches(metadata.labels)
                }
            }
        }
    }

    private static func selector(of set: Object) -> LabelSelector? {
        set.tree[path: "spec", "selector"].flatMap { try? LabelSelector($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let set = work.object(Resources.daemonSets), let selector = Self.selector(of: set) else { return .done }
        if selector.isEmpty {
            work.report(
                .warning, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.", about: set)
            return .done
        }
        // Its pods and revisions are the garbage collector's now; making a revision anew would hold that up.
        guard set.metadata.deletionTimestamp == nil else { return .done }
        let ownership = ControllerOwnership(owner: set, selector: selector, candidates: work.list(Resources.pods))
        for pod in ownership.toAdopt {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.adopt(&tree, by: set)
            }
        }
        for pod in ownership.toRelease {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.release(&tree, from: set.metadata.uid)
            }
        }
        let history = try await work.revisions(of: set, Resources.daemonSets, selector: selector)
        let newest = history.revisions.first { $0.metadata.name == history.update }
        let hash = newest.map(RevisionHistory.hash) ?? ""
        let plan = DaemonSetPlan(set, nodes: work.list(Resources.nodes), pods: ownership.owned, hash: hash, now: work.now)
        try await perform(plan, set, hash: hash, work)
        try await work.writeStatus(plan.status, of: set, Resources.daemonSets)

        let hashes = Set(ownership.owned.compactMap { $0.metadata.labels[RevisionHistory.hashLabel] })
        let live = Set(
            history.revisions.filter { hashes.contains(RevisionHistory.hash($0)) }.map(\.metadata.name) + [history.update])
        try await work.truncate(history, live: live, limit: DaemonSetView(set).revisionHistoryLimit)
        return .after(seconds: plan.secondsUntilNextLook)
    }

    private func perform(_ plan: DaemonSetPlan, _ set: Object, hash: String, _ work: Work) async throws {
        try await concurrently(plan.delete) { item in
            if item.isFailed {
                work.report(
                    .warning, "FailedDaemonPod",
                    "Found failed daemon pod \(item.pod.namespace)/\(item.pod.name) on its node, will try to kill it", about: set)
            }
            try await work.delete(Resources.pods, item.pod)
            work.report(.normal, "SuccessfulDelete", "Deleted pod: \(item.pod.name)", about: set)
        }
        let generation = set.metadata.generation
        let nodes = plan.create
        do {
            try await SlowStart.run(nodes.count) { index in
                let pod = DaemonSetPodTemplate.pod(set, node: nodes[index], hash: hash, generation: generation)
                let created = try await work.create(pod, Resources.pods)
                work.report(.normal, "SuccessfulCreate", "Created pod: \(created.metadata.name)", about: set)
            }
        } catch {
            work.report(.warning, "FailedCreate", "Error creating: \(error)", about: set)
            throw error
        }
    }
}
