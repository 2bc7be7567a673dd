import KubeObject
import KubeSchema
public import KubeStore

/// Keeps the number of a replica set's pods; also that of replication controllers, which differ in how the selector is written.
public struct ReplicaSetReconciler: Reconciler {
    public enum Flavor: Sendable {
        case replicaSets
        case replicationControllers
    }

    private let flavor: Flavor

    public init(_ flavor: Flavor = .replicaSets) { self.flavor = flavor }

    public var name: String { flavor == .replicaSets ? "replicaset-controller" : "replication-controller" }
    public var concurrency: Int { flavor == .replicaSets ? 16 : 2 }
    private var resource: ResourceType { flavor == .replicaSets ? Resources.replicaSets : Resources.replicationControllers }
    private var kind: String { flavor == .replicaSets ? "ReplicaSet" : "ReplicationController" }

    public var watched: [String] { [Key.prefix(resource), Key.prefix(Resources.pods)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.object.kind != "Pod" { return event.type == .deleted ? [] : [ObjectName(event.object.metadata)] }
        return PodOwners.keys(for: event, kind: kind) { metadata in
            // An orphan may be what a set is waiting for.
            cluster.snapshot.list(prefix: Key.prefix(resource, namespace: metadata.namespace)).filter {
                guard let selector = selector(of: $0), !selector.isEmpty else { return false }
                return selector.matches(metadata.labels)
            }
        }
    }

    private func selector(of set: Object) -> LabelSelector? {
        guard let tree = set.tree[path: "spec", "selector"] else { return nil }
        if flavor == .replicationControllers { return LabelSelector(matchLabels: tree.stringMap) }
        return try? LabelSelector(tree)
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let set = work.object(resource) else { return .done }
        guard let selector = selector(of: set), !selector.isEmpty else { return .done }
        let ownership = ControllerOwnership(owner: set, selector: selector, candidates: work.list(Resources.pods))
        let plan = ReplicaSetPlan(set, ownership: ownership, related: { related(to: set, work) }, now: work.now)
        try await settle(ownership, of: set, work)

        var failure: (reason: String, message: String)?
        var thrown: (any Error)?
        do { try await perform(plan.change, of: set, ownership, work) } catch {
            thrown = error
            let reason = if case .create = plan.change { "FailedCreate" } else { "FailedDelete" }
            failure = (reason, "\(error)")
        }
        try await writeStatus(of: work.object(latest: resource) ?? set, selector, failure: failure, work)
        if let thrown { throw thrown }
        return .after(seconds: plan.secondsUntilNextAvailable)
    }

    /// The pods of the sets that have the same controller, by which crowded nodes are found.
    private func related(to set: Object, _ work: Work) -> [PodState] {
        guard let controller = set.metadata.controller?.uid else { return [] }
        let siblings = Set(work.list(resource).filter { $0.metadata.controller?.uid == controller }.map(\.metadata.uid))
        return work.list(Resources.pods).lazy
            .filter { $0.metadata.controller.map { siblings.contains($0.uid) } ?? false }.map(PodState.init)
    }

    private func settle(_ ownership: ControllerOwnership, of set: Object, _ work: Work) async throws {
        for pod in ownership.toAdopt {
            try await work.change(Resources.pods, pod.metadata) { ControllerOwnership.adopt(&$0, by: set) }
        }
        for pod in ownership.toRelease {
            try await work.change(Resources.pods, pod.metadata) { ControllerOwnership.release(&$0, from: set.metadata.uid) }
        }
    }

    private func perform(
        _ change: ReplicaSetPlan.Change, of set: Object, _ ownership: ControllerOwnership, _ work: Work
    ) async throws {
        switch change {
        case .none: break
        case .create(let count):
            let pod = PodFromTemplate.make(set.tree[path: "spec", "template"] ?? [:], owner: set)
            do {
                try await SlowStart.run(count) { _ in
                    let created = try await work.create(pod, Resources.pods)
                    work.report(.normal, "SuccessfulCreate", "Created pod: \(created.metadata.name)", about: set)
                }
            } catch let error as StatusError where error.isNamespaceTerminating {
                throw error
            } catch {
                work.report(.warning, "FailedCreate", "Error creating: \(error)", about: set)
                throw error
            }
        case .delete(let names):
            let pods = Dictionary(
                ownership.owned.map { ($0.metadata.name, $0.metadata) }, uniquingKeysWith: { first, _ in first })
            try await concurrently(names.compactMap { pods[$0] }) { pod in
                do { try await work.delete(Resources.pods, pod) } catch {
                    work.report(.warning, "FailedDelete", "Error deleting: \(error)", about: set)
                    throw error
                }
                work.report(.normal, "SuccessfulDelete", "Deleted pod: \(pod.name)", about: set)
            }
        }
    }

    /// The status counts the pods as they are now, after this round's changes.
    private func writeStatus(
        of set: Object, _ selector: LabelSelector, failure: (reason: String, message: String)?, _ work: Work
    ) async throws {
        let pods = work.cluster.snapshot.list(prefix: Key.prefix(Resources.pods, namespace: work.namespace))
        let owned = ControllerOwnership(owner: set, selector: selector, candidates: pods).owned.map(PodState.init)
        let status = ReplicaSetStatus.make(set, owned: owned, failure: failure, now: work.now)
        try await work.writeStatus(status, of: set, resource)
    }
}
