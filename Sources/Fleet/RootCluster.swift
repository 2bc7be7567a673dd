import KubeAPI
public import KubeObject
import KubeRegistry
public import KubeStore

/// The cluster whose API the platform is: made once, when the data directory is new.
public enum RootCluster {
    /// The root cluster of the store, made when there is none.
    public static func open(_ store: Store, provisioner: ClusterProvisioner) async throws -> LogicalCluster {
        let root: LogicalCluster
        if let existing = try await store.cluster(Platform.rootCluster) {
            root = existing
        } else {
            root = try await provisioner.create(Platform.rootCluster, uid: Identifiers.uid(), spec: nil)
        }
        try await makeRoles(in: root)
        try await moveClusters(in: root)
        return root
    }

    /// Gives the root cluster the roles of teams' members, as this version has them.
    private static func makeRoles(in root: LogicalCluster) async throws {
        for role in TeamObjects.roles {
            let name = role["metadata"]?["name"]?.string ?? ""
            let key = Key(
                group: TeamObjects.clusterRoles.group, plural: TeamObjects.clusterRoles.resource, namespace: "", name: name)
            let existing = root.snapshot.get(key)
            if existing?.tree["rules"] == role["rules"] { continue }
            var tree = existing?.tree ?? role
            tree["rules"] = role["rules"]
            if existing == nil {
                tree[path: "metadata", "uid"] = .string(Identifiers.uid())
                tree[path: "metadata", "creationTimestamp"] = .string(Timestamp.now())
            }
            _ = try await root.commit([.put(try Draft(tree), at: key)])
        }
    }

    /// Virtual clusters used to have no namespace; those are nobody's.
    private static func moveClusters(in root: LogicalCluster) async throws {
        let group = Platform.group
        let plural = Platform.virtualClusters.resource
        var writes: [Write] = []
        for object in root.snapshot.list(prefix: Key.prefix(group: group, plural: plural, namespace: nil))
        where object.metadata.namespace.isEmpty {
            var tree = object.tree
            tree[path: "metadata", "namespace"] = .string(ClusterName.noTeam)
            let name = object.metadata.name
            writes.append(.delete(Key(group: group, plural: plural, namespace: "", name: name)))
            writes.append(.put(try Draft(tree), at: Key(group: group, plural: plural, namespace: ClusterName.noTeam, name: name)))
        }
        if !writes.isEmpty { _ = try await root.commit(writes) }
    }

    /// How long the administrator's certificate is valid; a server that starts with less than half of it left makes a new one.
    public static let administratorLifetime: Double = 365 * 86_400

    /// A kubeconfig for the platform's administrator.
    public static func administrator(_ root: LogicalCluster, provisioner: ClusterProvisioner) throws -> JSON {
        try ClusterProvisioner.kubeconfig(
            root.name, try provisioner.identities.identity(of: root), endpoint: provisioner.endpoint, user: "admin",
            groups: ["system:masters"], lifetime: administratorLifetime)
    }
}
