import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore

/// Finds out who sent a request to a cluster.
struct Authenticator: Sendable {
    let identities: IdentityCache
    let tokens: BearerTokens

    /// A client certificate comes first, then a bearer token; without either the request is anonymous.
    ///
    /// - Parameter path: of the request within the cluster: where somebody may be anonymous can be restricted.
    /// - Throws: 401 for a credential that is none of this cluster's.
    func user(of request: APIRequest, path: String, in cluster: LogicalCluster) async throws(StatusError) -> UserInfo {
        let bearer = try Self.bearerToken(of: request)
        if request.connection.hasCertificate {
            let identity = try self.identities.identity(of: cluster)
            let verdict = await request.connection.certificateVerdict(
                cluster: cluster.id, trust: identity.trust(at: Timestamp.seconds))
            switch verdict {
            case .valid(let subject):
                return UserInfo(
                    name: subject.user, uid: subject.uid ?? "", groups: subject.groups + ["system:authenticated"])
            case .invalid where bearer == nil: throw .unauthorized()
            case .invalid, nil: break
            }
        }
        guard let bearer else {
            guard self.tokens.issuers.anonymous(in: cluster).allows(path) else { throw .unauthorized() }
            return .anonymous
        }
        let verdict = try await self.tokens.review(
            token: bearer, audiences: [], cluster: cluster, last: request.connection.lastToken)
        guard case .valid(let user, _) = verdict else { throw .unauthorized() }
        return user
    }

    /// Whether a request carries a credential of any kind that is looked at.
    static func hasCredential(_ request: APIRequest) -> Bool {
        if request.connection.hasCertificate { return true }
        do { return try self.bearerToken(of: request) != nil } catch { return true }
    }

    private static let protocolPrefix = "base64url.bearer.authorization.k8s.io."

    /// Whether what is offered as a subprotocol is a browser's token.
    static func isCredential(protocol offered: some StringProtocol) -> Bool { offered.hasPrefix(self.protocolPrefix) }

    /// The token of the `Authorization` header, or of a WebSocket's subprotocols, in which browsers must send it.
    private static func bearerToken(of request: APIRequest) throws(StatusError) -> String? {
        if let header = request.headers[.authorization] {
            let parts = header.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: true)
            guard parts.count == 2, Substring(parts[0]).lowercased() == "bearer" else { return nil }
            let token = parts[1].drop { $0 == UInt8(ascii: " ") }
            return token.isEmpty ? nil : String(Substring(token))
        }
        for offered in WebSocketHandshake.offeredProtocols(by: request) where self.isCredential(protocol: offered) {
            guard let bytes = Base64URL.decode(offered.dropFirst(self.protocolPrefix.count)) else { throw .unauthorized() }
            return String(decoding: bytes, as: UTF8.self)
        }
        return nil
    }
}
