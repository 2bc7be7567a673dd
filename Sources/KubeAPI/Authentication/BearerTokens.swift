import KubeObject
import KubeRegistry
import KubeStore

/// Whose a bearer token is: a service account's, or that of somebody whom an issuer knows.
struct BearerTokens: TokenReviewer {
    let serviceAccounts: ServiceAccountTokens
    let issuers: IssuerTokens

    func review(token: String, audiences: [String], cluster: LogicalCluster) async throws(StatusError) -> TokenVerdict {
        if let found = try self.serviceAccounts.review(token: token, audiences: audiences, cluster: cluster) {
            return .valid(found.user, audiences: found.audiences)
        }
        do throws(TokenRefusal) {
            guard let user = try await self.issuers.user(of: token, in: cluster) else { return .invalid() }
            // People's tokens are for the API server, whatever their issuer calls it.
            let own = ServiceAccountTokens.ownAudiences
            let shared = audiences.isEmpty ? own : audiences.filter(own.contains)
            return shared.isEmpty ? .invalid() : .valid(user, audiences: shared)
        } catch {
            return .invalid(reason: error.description)
        }
    }
}
