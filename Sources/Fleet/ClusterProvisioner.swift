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
        /// The platform's certificate authority as it is now, PEM.
        public var certificateAuthority: String { authority() }
        private let authority: @Sendable () -> String
        /// An address of this machine that isn't loopback, and the port, as the endpoint of every cluster's service `kubernetes` shows them.
        public var machine: (address: String, port: Int)

        public init(
            server: String, certificateAuthority: @escaping @Sendable () -> String, machine: (address: String, port: Int)
        ) {
            self.server = server
            authority = certificateAuthority
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

    let authorities: ClusterAuthorities
    private let nodes: @Sendable (Int64) async -> [JSON]

    /// - Parameters:
    ///   - identities: gets those of new clusters.
    ///   - authorities: changes them.
    ///   - nodes: so many nodes for a new cluster, as `Node` objects. A client that finds none takes a cluster for unusable,
    ///     as upstream's conformance suite does.
    public init(
        registry: Registry, endpoint: Endpoint, identities: IdentityCache, authorities: ClusterAuthorities? = nil,
        nodes: @escaping @Sendable (Int64) async -> [JSON] = { _ in [] }
    ) {
        self.registry = registry
        self.endpoint = endpoint
        self.identities = identities
        self.authorities = authorities ?? ClusterAuthorities(identities: identities)
        self.nodes = nodes
    }

    /// Makes a cluster with an identity of its own; its API answers when this returns.
    ///
    /// - Parameter spec: the virtual cluster's; nil for the root cluster, which is made before the node is known and has none.
    @discardableResult
    public func create(_ name: String, uid: String, spec: JSON?) async throws -> LogicalCluster {
        let identity = try ClusterIdentity.generate(clusterName: name)
        var machine: [JSON] = []
        if let spec { machine = await nodes(NodesSpec.count(spec)) }
        let cluster = try await registry.createCluster(
            name, uid: uid, record: identity.record(), certificateAuthority: endpoint.certificateAuthority,
            apiServer: endpoint.machine, configMaps: [FrontProxy.configMap(identity)],
            nodes: machine)
        identities.remember(identity, of: cluster)
        return cluster
    }

    /// Makes a cluster with what another one had, or brings one back; its API answers when this returns.
    @discardableResult
    func create(_ name: String, uid: String, with content: ArchivedArrivals.Content) async throws(StoreError) -> LogicalCluster {
        if case .deleted(let retired, _) = content.origin {
            return try await registry.store.revive(retired, as: name, uid: uid, with: content.objects)
        }
        return try await registry.createCluster(name, uid: uid, record: content.record, restored: content.objects)
    }

    /// The objects of a cluster from elsewhere, as they are to be here.
    func relocate(_ wanted: ArchivedClusters.Wanted) async throws -> RestoredObjects {
        let trust = !wanted.origin.isClone ? nil : try FrontProxy.configMap(try ClusterIdentity(record: wanted.record))
        let nodes = await nodes(NodesSpec.count(wanted.spec))
        return try Relocation(nodes: nodes, apiServer: endpoint.machine, trust: trust)
            .apply(to: wanted.objects, revision: wanted.revision)
    }

    /// Ends the trust in former authorities of a cluster whose time is over, and tells extension servers in it whom to believe.
    ///
    /// - Returns: until when a former authority is still trusted, in seconds since 1970; nil when none is.
    func settleAuthority(of cluster: LogicalCluster, now: Double) async throws -> Double? {
        let identity = try await believed(of: cluster, now: now)
        let desired = try FrontProxy.configMap(identity)
        let context = RequestContext.controller("cluster-authentication-trust-controller", in: cluster)
        do {
            try await registry.mutate(
                try registry.resource("configmaps"), namespace: "kube-system", name: "extension-apiserver-authentication", context
            ) { tree in Self.bring(&tree, to: desired) }
        } catch {
            // Without the config map the controller that keeps it makes it as it is to be.
            guard error.code == 404 else { throw error }
        }
        return identity.nextRetirement()
    }

    /// The identity of a cluster without what is believed no more.
    private func believed(of cluster: LogicalCluster, now: Double) async throws -> ClusterIdentity {
        let identity = try identities.identity(of: cluster)
        guard let next = identity.nextRetirement(), next <= now else { return identity }
        return try await authorities.change(cluster) { $0.retiring(everything: false, now: now) }
    }

    private static func bring(_ tree: inout JSON, to desired: JSON) {
        let wanted = desired[path: "metadata", "annotations", FrontProxy.markKey]
        guard tree[path: "metadata", "annotations", FrontProxy.markKey] != wanted else { return }
        tree[path: "metadata", "annotations", FrontProxy.markKey] = wanted
        for member in FrontProxy.authorityMembers { tree[path: "data", member] = desired[path: "data", member] }
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
