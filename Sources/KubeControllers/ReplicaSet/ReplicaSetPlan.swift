import KubeObject

/// What a replica set needs done, decided from the set and the pods of its namespace.
struct ReplicaSetPlan: Equatable {
    enum Change: Equatable {
        case none
        /// Create so many pods from the template.
        case create(Int)
        /// Delete these pods, the first to go first.
        case delete([String])
    }

    /// Upstream's burst: at most so many creations or deletions in one round.
    static let burst = 500

    var adopt: [String] = []
    var release: [String] = []
    var change = Change.none
    /// When a pod that is ready now will have been so for `minReadySeconds`.
    var secondsUntilNextAvailable: Double?

    /// - Parameters:
    ///   - set: the replica set.
    ///   - ownership: the pods of its namespace, sorted into owned ones and others.
    ///   - related: all pods of the replica sets that have the same controller; used to find crowded nodes.
    init(_ set: Object, ownership: ControllerOwnership, related: () -> [PodState] = { [] }, now: Double) {
        adopt = ownership.toAdopt.map(\.metadata.name)
        release = ownership.toRelease.map(\.metadata.name)
        let pods = ownership.owned.map(PodState.init)
        let active = pods.filter(\.isActive)
        let minReadySeconds = set.tree[path: "spec", "minReadySeconds"]?.int ?? 0
        secondsUntilNextAvailable = active.compactMap {
            $0.secondsUntilAvailable(minReadySeconds: minReadySeconds, now: now)
        }.min()
        guard set.metadata.deletionTimestamp == nil else { return }
        let desired = Int(clamping: set.tree[path: "spec", "replicas"]?.int ?? 1)
        let excess = active.count - desired
        if excess < 0 {
            change = .create(min(-excess, Self.burst))
        } else if excess > 0 {
            let chosen = PodDeletionOrder.choose(min(excess, Self.burst), of: active, related: related(), now: now)
            change = .delete(chosen.map(\.name))
        }
    }
}
