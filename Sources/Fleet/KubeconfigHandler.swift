public import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/kubeconfig`: makes a client certificate for the one who asks, and a kubeconfig around it.
///
/// Who may ask is RBAC's business in the root cluster: `create` on `virtualclusters/kubeconfig`.
public struct KubeconfigHandler: SubresourceHandler {
    static let minimumLifetime: Int64 = 600
    static let maximumLifetime: Int64 = 10 * 365 * 86_400
    static let defaultLifetime: Int64 = 365 * 86_400

    private let store: Store
    private let endpoint: ClusterProvisioner.Endpoint
    private let identities: IdentityCache

    /// - Parameters:
    ///   - store: where the clusters are.
    ///   - identities: theirs.
    public init(store: Store, endpoint: ClusterProvisioner.Endpoint, identities: IdentityCache) {
        self.store = store
        self.endpoint = endpoint
        self.identities = identities
    }

    public func create(
        _ body: JSON, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let lifetime = body["expirationSeconds"]?.int ?? Self.defaultLifetime
        guard (Self.minimumLifetime...Self.maximumLifetime).contains(lifetime) else {
            throw .invalid(
                GroupKind(group: Platform.group, kind: "KubeconfigRequest"), name,
                [
                    .invalid(
                        "expirationSeconds", .int(lifetime), "must be between \(Self.minimumLifetime) and \(Self.maximumLifetime)"
                    )
                ])
        }
        let user = body["user"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? context.user.name
        let groups = body["groups"]?.strings ?? ["system:masters"]
        let cluster = try await ready(name, context.cluster)
        let identity = try identities.identity(of: cluster)
        do {
            let document = try ClusterProvisioner.kubeconfig(
                cluster.name, identity, endpoint: endpoint, user: user, groups: groups, lifetime: Double(lifetime))
            return WriteResult(
                .document([
                    "apiVersion": .string(Platform.version.apiVersion), "kind": "KubeconfigRequest", "user": .string(user),
                    "groups": JSON(groups), "expirationSeconds": .int(lifetime), "kubeconfig": .string(YAML.encode(document)),
                ]), code: 201)
        } catch {
            throw .internalError("making a kubeconfig for cluster \(name): \(error)")
        }
    }

    /// The cluster, waited for while it is being made: that takes milliseconds.
    private func ready(_ name: String, _ root: LogicalCluster) async throws(StatusError) -> LogicalCluster {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(10)
        while true {
            do {
                if name != Platform.rootCluster, let cluster = try await store.cluster(name) { return cluster }
            } catch {
                throw .internalError("loading cluster \(name): \(error)")
            }
            let key = Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: "", name: name)
            guard let object = root.snapshot.get(key), object.metadata.deletionTimestamp == nil, clock.now < deadline else {
                throw .notFound(Platform.virtualClusters, name)
            }
            await arrival(of: name)
            if Task.isCancelled { throw .timeout("the request was given up") }
        }
    }

    /// Returns when the cluster is there, and now and then before, since its object may have been deleted meanwhile.
    private func arrival(of name: String) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await store.untilClusterExists(name) }
            group.addTask { try? await Task.sleep(for: .milliseconds(100)) }
            await group.next()
            group.cancelAll()
        }
    }
}
