import KubeObject
import KubeRegistry
import KubeStore

/// What a team's quota has room for. A cluster is counted as its team's in the transaction that makes or wakes it, on the condition that the team
/// is still as it was read; so no two can take the same room.
struct TeamCharge {
    let team: Team
    /// The team's virtual clusters.
    let clusters: [Object]

    init(_ team: Team, in snapshot: Snapshot) {
        self.team = team
        clusters = Team.clusters(of: team.name, in: snapshot)
    }

    /// Those whose pods may run; the one that was used least lately first.
    var awake: [Object] {
        func used(_ cluster: Object) -> String {
            cluster.tree[path: "status", "lastUsedTime"]?.string ?? cluster.metadata.creationTimestamp
        }
        return clusters.filter { SleepState($0.tree).isAwake }.sorted { used($0) < used($1) }
    }

    /// - Throws: 403 when the team has as many clusters as it may have.
    func requireRoom(forCluster name: String) throws(StatusError) {
        guard let quota = team.clusterQuota, clusters.count >= quota else { return }
        let oldest = clusters.sorted { $0.metadata.creationTimestamp < $1.metadata.creationTimestamp }
        let ending = clusters.count { $0.metadata.deletionTimestamp != nil }
        let hint =
            quota == 0
            ? "ask the platform's administrators for a larger quota"
            : ending > 0
                ? "\(ending) of them \(ending == 1 ? "is" : "are") being deleted: try again in a moment"
                : "delete one that isn't needed any more (the oldest come first), or ask the platform's administrators for a larger quota"
        throw Self.exceeded(name, team, quota, "cluster", has: oldest, hint)
    }

    /// - Throws: 403 when as many of the team's clusters are awake as may be.
    func requireRoom(forAwake name: String) throws(StatusError) {
        let awake = awake
        guard let quota = team.awakeQuota, awake.count >= quota else { return }
        let hint =
            quota == 0
            ? "ask the platform's administrators for a larger quota"
            : "put one to sleep with `sampan cluster sleep` (the one that was used least lately comes first), or ask the platform's administrators for a larger quota"
        throw Self.exceeded(name, team, quota, "awake cluster", has: awake, hint)
    }

    private static func exceeded(
        _ name: String, _ team: Team, _ quota: Int64, _ what: String, has clusters: [Object], _ hint: String
    ) -> StatusError {
        let used = clusters.isEmpty ? "" : ": \(TeamAdmission.some(clusters.map(\.metadata.name)))"
        return .forbidden(
            Platform.virtualClusters, name,
            "exceeded quota: the team \(team.name) may have \(quota) \(what)\(quota == 1 ? "" : "s") and has \(clusters.count)\(used); \(hint)"
        )
    }

    /// The team with so many clusters, and so many of them awake, more.
    func write(clusters more: Int, awake moreAwake: Int) throws(StatusError) -> Write {
        var tree = team.object.tree
        tree[path: "status", "clusters"] = .int(Int64(clusters.count + more))
        tree[path: "status", "awakeClusters"] = .int(Int64(awake.count + moreAwake))
        do {
            return .put(try Draft(tree), at: Team.key(team.name), expect: .revision(team.object.metadata.resourceVersion))
        } catch {
            throw .internalError("counting a cluster of the team \(team.name): \(error)")
        }
    }
}
