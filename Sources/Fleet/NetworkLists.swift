public import KubeObject
public import KubeStore
import Synchronization

/// What teams' and virtual clusters' objects say about where a cluster's pods may go, and who may come from outside: `spec.network`.
///
/// Concurrency: any task may ask. The effect is called on the store's writer's thread, before whoever changed an object is answered.
public final class NetworkLists: Sendable {
    private let root = Mutex<LogicalCluster?>(nil)

    private static let teams = Key.prefix(group: Platform.group, plural: Platform.teams.resource, namespace: nil)
    private static let clusters = Key.prefix(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)

    public init() {}

    /// Says where the objects are: before anything runs pods.
    ///
    /// - Parameter changed: called after each change of what an object says. It may not block.
    public func attach(_ root: LogicalCluster, of store: Store, changed: @escaping @Sendable () -> Void) {
        self.root.withLock { $0 = root }
        store.observe { batch in if Self.concerns(batch) { changed() } }
    }

    private static func concerns(_ batch: CommitBatch) -> Bool {
        guard batch.cluster.name == Platform.rootCluster else { return false }
        return batch.events.contains { event in
            guard event.key.text.hasPrefix(teams) || event.key.text.hasPrefix(clusters) else { return false }
            let after = event.type == .deleted ? nil : event.object.tree[path: "spec", "network"]
            return event.previous?.tree[path: "spec", "network"] != after
        }
    }

    /// Who says something about a cluster, by its name, and what: its team first, then the virtual cluster itself.
    public func lists(of name: String) -> [(owner: String, network: JSON)] {
        guard name != Platform.rootCluster, let snapshot = root.withLock({ $0 })?.snapshot else { return [] }
        let (namespace, own) = ClusterName.parts(of: name)
        var lists: [(owner: String, network: JSON)] = []
        if let network = Team(of: namespace, in: snapshot)?.object.tree[path: "spec", "network"], !network.isNull {
            lists.append(("team \(namespace)", network))
        }
        let key = Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: own)
        if let network = snapshot.get(key)?.tree[path: "spec", "network"], !network.isNull {
            lists.append(("virtual cluster \(namespace == ClusterName.noTeam ? own : "\(namespace)/\(own)")", network))
        }
        return lists
    }
}
