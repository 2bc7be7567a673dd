public import KubeAPI
public import KubeObject
public import KubeRegistry
import KubeStore

/// Answers `teams/NAME/kubeconfig`: makes a client certificate by which a member of the team is known to the platform, and a kubeconfig around
/// it whose namespace is the team's.
///
/// For places without an identity provider. Who may ask can become any member, of other teams too, so that no role of a team has this
/// permission: it is the platform's administrators'.
public struct MemberKubeconfigHandler: SubresourceHandler {
    private let endpoint: ClusterProvisioner.Endpoint
    private let identities: IdentityCache

    /// - Parameter identities: the root cluster's among them.
    public init(endpoint: ClusterProvisioner.Endpoint, identities: IdentityCache) {
        self.endpoint = endpoint
        self.identities = identities
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let kind = GroupKind(group: Platform.group, kind: "KubeconfigRequest")
        let root = context.cluster
        guard let object = root.snapshot.get(Team.key(name)) else { throw .notFound(Platform.teams, name) }
        let lifetime = try KubeconfigHandler.lifetime(body, name)
        let user = body["user"]?.string ?? ""
        let groups = body["groups"]?.strings ?? []
        if user.isEmpty { throw .invalid(kind, name, [.required("user", "whose kubeconfig it is")]) }
        if let group = groups.first(where: { $0.hasPrefix("system:") }) {
            throw .invalid(kind, name, [.invalid("groups", .string(group), "a member isn't in Kubernetes' own groups")])
        }
        let isMember = Team(object).members.contains { $0.isGroup ? groups.contains($0.name) : $0.name == user }
        guard isMember else {
            throw .invalid(
                kind, name,
                [.invalid("user", .string(user), "is no member of the team; add the user to its spec.members first")])
        }
        let identity = try identities.identity(of: root)
        do {
            let document = try ClusterProvisioner.kubeconfig(
                root.name, identity, endpoint: endpoint, user: user, groups: groups, lifetime: Double(lifetime), namespace: name)
            return KubeconfigHandler.answer(document, user: user, groups: groups, lifetime: lifetime)
        } catch {
            throw .internalError("making a kubeconfig for \(user): \(error)")
        }
    }
}
