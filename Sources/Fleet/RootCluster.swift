import KubeAPI
public import KubeObject
import KubeRegistry
public import KubeStore

/// The cluster whose API the platform is: made once, when the data directory is new.
public enum RootCluster {
    /// The root cluster of the store, made when there is none.
    public static func open(_ store: Store, provisioner: ClusterProvisioner) async throws -> LogicalCluster {
        if let root = try await store.cluster(Platform.rootCluster) { return root }
        return try await provisioner.create(Platform.rootCluster, uid: Identifiers.uid())
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
