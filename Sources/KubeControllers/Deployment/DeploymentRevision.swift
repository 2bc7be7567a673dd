import KubeObject

/// The annotations in which a deployment and its replica sets keep their history.
enum DeploymentRevision {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"

    /// What a replica set doesn't take over from its deployment's annotations.
    private static let notCopied: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", revision, revisionHistory, desiredReplicas, maxReplicas,
        "deprecated.deployment.rollback.to",
    ]

    private static let historyLimit = 2000

    /// The revision that a new template gets.
    static func next(after old: [ReplicaSetView]) -> Int64 { (old.map(\.revision).max() ?? 0) + 1 }

    /// The annotations of the replica set that is to be the newest.
    /// - Parameter existing: what the set has; nil when it is about to be made, and takes everything from the deployment.
    static func annotations(
        of deployment: DeploymentView, revision next: Int64, existing: [String: String]?
    ) -> [String: String] {
        let own = deployment.object.tree[path: "metadata", "annotations"]?.stringMap ?? [:]
        var result = existing ?? [:]
        for (key, value) in own where !notCopied.contains(key) { result[key] = value }
        let old = existing?[revision].flatMap { Int64($0) }
        guard old.map({ $0 < next }) ?? true else { return result }
        result[revision] = String(next)
        if let old {
            // A template that comes back keeps the revisions it had, the oldest dropped when they get too many.
            var history = (result[revisionHistory] ?? "").split(separator: ",").map(String.init)
            history.append(String(old))
            while history.joined(separator: ",").utf8.count > historyLimit, history.count > 1 { history.removeFirst() }
            result[revisionHistory] = history.joined(separator: ",")
        }
        return result
    }

    /// Of the old replica sets those to delete, so that no more than `limit` are left. Sets that still have pods stay.
    static func surplus(of old: [ReplicaSetView], limit: Int64?) -> [ReplicaSetView] {
        guard let limit else { return [] }
        let candidates = old.filter { $0.metadata.deletionTimestamp == nil }
        let excess = candidates.count - Int(clamping: limit)
        guard excess > 0 else { return [] }
        return candidates.sorted { $0.revision == $1.revision ? ReplicaSetView.isOlder($0, $1) : $0.revision < $1.revision }
            .prefix(excess)
            .filter { $0.actual == 0 && $0.desired == 0 && $0.metadata.generation <= $0.observedGeneration }
    }
}
