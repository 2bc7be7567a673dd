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
    /// For whom the platform's administrators aren't, where their team says nothing else.
    static let memberLifetime: Int64 = 365 * 86_400
    /// Who wants a credential for longer says so.
    static let defaultLifetime: Int64 = 12 * 3600

    private let store: Store
    private let endpoint: ClusterProvisioner.Endpoint
    private let identities: IdentityCache
    private let authorizer: Authorizer

    /// - Parameters:
    ///   - store: where the clusters are.
    ///   - identities: theirs.
    ///   - authorizer: the registry's.
    public init(store: Store, endpoint: ClusterProvisioner.Endpoint, identities: IdentityCache, authorizer: Authorizer) {
        self.authorizer = authorizer
        self.store = store
        self.endpoint = endpoint
        self.identities = identities
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let lifetime = try Self.lifetime(body, name, most: memberLimit(namespace, name, context))
        let cluster = try await ready(namespace, name, context.cluster)
        let identity = try identities.identity(of: cluster)
        var user = body["user"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? context.user.name
        var groups = body["groups"]?.strings ?? ["system:masters"]
        if !mayChange(namespace, name, context) {
            // Who may only look at the cluster looks into it as nobody else.
            user = context.user.name
            groups = [Self.viewers]
            try await letViewersIn(cluster)
        }
        do {
            let document = try ClusterProvisioner.kubeconfig(
                cluster.name, identity, endpoint: endpoint, user: user, groups: groups, lifetime: Double(lifetime))
            return Self.answer(document, user: user, groups: groups, lifetime: lifetime)
        } catch {
            throw .internalError("making a kubeconfig for cluster \(name): \(error)")
        }
    }

    /// The group of those who may look into a cluster and change nothing.
    static let viewers = "sampan:viewers"

    private func mayChange(_ namespace: String, _ name: String, _ context: RequestContext) -> Bool {
        let attributes = AccessAttributes(
            user: context.user, verb: "update", apiGroup: Platform.group, apiVersion: Platform.version.version,
            resource: Platform.virtualClusters.resource, namespace: namespace, name: name)
        return context.isInternal || authorizer.decide(attributes, in: context.cluster).isAllowed
    }

    /// Binds the group of viewers to the cluster's role `view`, unless somebody has done so, or has bound it otherwise.
    private func letViewersIn(_ cluster: LogicalCluster) async throws(StatusError) {
        let rbac = "rbac.authorization.k8s.io"
        let binding: JSON = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": [
                "name": .string(Self.viewers), "uid": .string(Identifiers.uid()), "creationTimestamp": .string(Timestamp.now()),
            ],
            "roleRef": ["apiGroup": .string(rbac), "kind": "ClusterRole", "name": "view"],
            "subjects": [["apiGroup": .string(rbac), "kind": "Group", "name": .string(Self.viewers)]],
        ]
        let key = Key(group: rbac, plural: "clusterrolebindings", namespace: "", name: Self.viewers)
        guard cluster.snapshot.get(key) == nil else { return }
        do {
            _ = try await cluster.commit([.put(try Draft(binding), at: key, expect: .absent)])
        } catch StoreError.alreadyExists {
            // Another viewer was quicker.
        } catch {
            throw .internalError("letting viewers into \(cluster.name): \(error)")
        }
    }

    /// How long a certificate may be valid that isn't an administrator's of the platform; nil for those.
    private func memberLimit(_ namespace: String, _ name: String, _ context: RequestContext) -> MemberLimit? {
        if ClusterPolicyGrant.isGranted(to: context, namespace: namespace, name: name, authorizer) { return nil }
        guard let team = Team(of: namespace, in: context.cluster.snapshot), let seconds = team.maximumCredentialLifetime else {
            return MemberLimit(seconds: Self.memberLifetime, why: "for who isn't an administrator of the platform")
        }
        return MemberLimit(
            seconds: Int64(min(seconds, Double(Self.maximumLifetime))),
            why: "for members of the team \(team.name) (its spec.credentialLifetime.maximum)")
    }

    /// What keeps credentials short.
    struct MemberLimit {
        var seconds: Int64
        var why: String
    }

    /// How long the certificate is to be valid, in seconds.
    static func lifetime(_ body: JSON, _ name: String, most: MemberLimit? = nil) throws(StatusError) -> Int64 {
        let limit = min(most?.seconds ?? maximumLifetime, maximumLifetime)
        let lifetime = body["expirationSeconds"]?.int ?? min(defaultLifetime, limit)
        guard (minimumLifetime...limit).contains(lifetime) else {
            let why = most.map { " (\(Lifetime.text(Double($0.seconds)))) \($0.why)" } ?? ""
            throw .invalid(
                GroupKind(group: Platform.group, kind: "KubeconfigRequest"), name,
                [.invalid("expirationSeconds", .int(lifetime), "must be between \(minimumLifetime) and \(limit)\(why)")])
        }
        return lifetime
    }

    static func answer(_ document: JSON, user: String, groups: [String], lifetime: Int64) -> WriteResult {
        WriteResult(
            .document([
                "apiVersion": .string(Platform.version.apiVersion), "kind": "KubeconfigRequest", "user": .string(user),
                "groups": JSON(groups), "expirationSeconds": .int(lifetime),
                "expirationTimestamp": .string(Timestamp.format(Timestamp.seconds + Double(lifetime))),
                "kubeconfig": .string(YAML.encode(document)),
            ]), code: 201)
    }

    /// The cluster, waited for while it is being made: that takes milliseconds.
    private func ready(_ namespace: String, _ name: String, _ root: LogicalCluster) async throws(StatusError) -> LogicalCluster {
        try await Turn.resting { () async throws(StatusError) in try await wait(for: name, in: namespace, root) }
    }

    private func wait(
        for name: String, in namespace: String, _ root: LogicalCluster
    ) async throws(StatusError) -> LogicalCluster {
        let logical = ClusterName.logical(namespace: namespace, name: name)
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(10)
        while true {
            do {
                if logical != Platform.rootCluster, let cluster = try await store.cluster(logical) { return cluster }
            } catch {
                throw .internalError("loading cluster \(logical): \(error)")
            }
            let key = Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: name)
            guard let object = root.snapshot.get(key), object.metadata.deletionTimestamp == nil, clock.now < deadline else {
                throw .notFound(Platform.virtualClusters, name)
            }
            await arrival(of: logical)
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
