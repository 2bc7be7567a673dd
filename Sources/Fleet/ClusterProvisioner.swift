public import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Makes and removes logical clusters, and gives credentials for them.
public struct ClusterProvisioner: Sendable {
    /// How clients reach a cluster, and by what they know the server.
    public struct Endpoint: Sendable {
        /// Scheme, host and port: `https://127.0.0.1:6443`.
        public var server: String
        /// The platform's certificate authority, PEM.
        public var certificateAuthority: String
        /// An address of this machine that isn't loopback, and the port, as the endpoint of every cluster's service `kubernetes` shows them.
        public var machine: (address: String, port: Int)

        public init(server: String, certificateAuthority: String, machine: (address: String, port: Int)) {
            self.server = server
            self.certificateAuthority = certificateAuthority
            self.machine = machine
        }

        /// Clusters are also addressed as `NAME.domain` in the handshake (SNI). The name needs no DNS: kubeconfigs give it as
        /// `tls-server-name`. `.internal` is nobody's on the internet.
        public static let domain = "clusters.sampan.internal"

        /// The address of one cluster's API.
        public func address(of cluster: String) -> String { "\(server)/clusters/\(cluster)" }
    }

    let registry: Registry
    public let endpoint: Endpoint
    let identities: IdentityCache

    private let nodes: @Sendable () -> [JSON]

    /// - Parameters:
    ///   - identities: gets those of new clusters.
    ///   - nodes: the nodes that a new cluster has, as `Node` objects. A client that finds none takes a cluster for unusable,
    ///     as upstream's conformance suite does.
    public init(
        registry: Registry, endpoint: Endpoint, identities: IdentityCache, nodes: @escaping @Sendable () -> [JSON] = { [] }
    ) {
        self.registry = registry
        self.endpoint = endpoint
        self.identities = identities
        self.nodes = nodes
    }

    /// Makes a cluster with an identity of its own; its API answers when this returns.
    @discardableResult
    public func create(_ name: String, uid: String) async throws -> LogicalCluster {
        let identity = try ClusterIdentity.generate(clusterName: name)
        let cluster = try await registry.createCluster(
            name, uid: uid, record: identity.record(), certificateAuthority: endpoint.certificateAuthority,
            apiServer: endpoint.machine, configMaps: [FrontProxy.configMap(identity)],
            nodes: nodes())
        identities.remember(identity, of: cluster)
        return cluster
    }

    /// A kubeconfig whose user proves who they are by a client certificate of the cluster's own authority.
    ///
    /// - Parameters:
    ///   - name: the cluster's.
    ///   - lifetime: of the certificate, in seconds.
    ///   - namespace: that the kubeconfig's context chooses.
    public static func kubeconfig(
        _ name: String, _ identity: ClusterIdentity, endpoint: Endpoint, user: String, groups: [String], lifetime: Double,
        namespace: String? = nil
    ) throws -> JSON {
        let certificate = try identity.clientAuthority.issueClientCertificate(user: user, groups: groups, lifetime: lifetime)
        return Kubeconfig(
            name: "sampan-\(name)", server: endpoint.address(of: name),
            serverName: "\(name).\(Endpoint.domain)",
            certificateAuthority: endpoint.certificateAuthority,
            credential: .certificate(try certificate.certificatePEM(), key: certificate.keyPEM),
            namespace: namespace
        ).document
    }
}
