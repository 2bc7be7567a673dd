import KubeObject
import KubeRegistry
import KubeStore

/// Whose a bearer token is: a service account's, that of a bootstrap token's secret, or that of somebody whom an issuer knows.
struct BearerTokens: TokenReviewer {
    let serviceAccounts: ServiceAccountTokens
    let issuers: IssuerTokens

    func review(token: String, audiences: [String], cluster: LogicalCluster) async throws(StatusError) -> TokenVerdict {
        try await self.review(token: token, audiences: audiences, cluster: cluster, last: nil)
    }

    /// - Parameter last: of the connection that the token came over.
    func review(
        token: String, audiences: [String], cluster: LogicalCluster, last: LastToken?
    ) async throws(StatusError) -> TokenVerdict {
        if let found = try self.serviceAccounts.review(token: token, audiences: audiences, cluster: cluster, last: last) {
            return .valid(found.user, audiences: found.audiences)
        }
        do throws(TokenRefusal) {
            let user: UserInfo
            if let bootstrapping = Self.bootstrapUser(of: token, in: cluster) {
                user = bootstrapping
            } else {
                guard let known = try await self.issuers.user(of: token, in: cluster) else { return .invalid() }
                user = known
            }
            // Such tokens are for the API server, whatever their issuer calls it.
            let own = ServiceAccountTokens.ownAudiences
            let shared = audiences.isEmpty ? own : audiences.filter(own.contains)
            return shared.isEmpty ? .invalid() : .valid(user, audiences: shared)
        } catch {
            return .invalid(reason: error.description)
        }
    }

    /// Who sends a bootstrap token, if the cluster has its secret and that is meant for it.
    private static func bootstrapUser(of token: String, in cluster: LogicalCluster) -> UserInfo? {
        guard let (id, secret) = BootstrapTokenSecret.parse(token) else { return nil }
        let key = Key(
            group: "core", plural: "secrets", namespace: BootstrapTokenSecret.namespace,
            name: BootstrapTokenSecret.secretName(of: id))
        guard let known = cluster.snapshot.get(key).flatMap(BootstrapTokenSecret.init), known.id == id,
            Self.isSame(known.secret, secret), known.usages.contains("authentication"), !known.isExpired(at: Timestamp.seconds),
            let groups = known.groups
        else { return nil }
        return UserInfo(name: "system:bootstrap:\(id)", groups: groups + ["system:authenticated"])
    }

    /// Takes as long for a guess that begins well as for any other.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
