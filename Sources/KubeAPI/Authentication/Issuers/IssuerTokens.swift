import Crypto
import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Synchronization

/// The tokens of people: which issuers a cluster believes is looked up with each token, so a changed configuration counts at once.
///
/// Concurrency: any task may ask. What is kept has bounds: compiled configurations, and for a few seconds whose a token is.
final class IssuerTokens: Sendable {
    private struct Compiled: Sendable {
        var source: ClusterPolicy.Authentication
        var configuration: AuthenticationConfiguration
        var generation: UInt64
    }

    private struct Known: Hashable {
        var generation: UInt64
        var digest: SHA256Digest
    }

    private struct State {
        var compiled: [Int64: Compiled] = [:]
        var generation: UInt64 = 0
        var known: [Known: (user: UserInfo, until: Double)] = [:]
    }

    /// So long a token's user is remembered, in seconds, as upstream does: after that its signature is looked at again.
    private static let memory = 10.0
    private static let clusters = 1024
    private static let users = 4096

    private let keys: IssuerKeys?
    private let policy: @Sendable (LogicalCluster) -> ClusterPolicy.Authentication?
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - keys: without them no issuer is believed.
    ///   - policy: whom a cluster believes.
    init(
        keys: IssuerKeys?, policy: @escaping @Sendable (LogicalCluster) -> ClusterPolicy.Authentication?, logger: Logger
    ) {
        self.keys = keys
        self.policy = policy
        self.logger = logger
    }

    /// Whether and where somebody may be anonymous.
    func anonymous(in cluster: LogicalCluster) -> AnonymousAccess {
        self.compiled(cluster)?.configuration.anonymous ?? AnonymousAccess()
    }

    /// - Returns: nil for what is no token of an issuer that the cluster believes.
    /// - Throws: why a token of such an issuer isn't taken.
    func user(of token: String, in cluster: LogicalCluster) async throws(TokenRefusal) -> UserInfo? {
        guard let keys, let compiled = self.compiled(cluster), !compiled.configuration.authenticators.isEmpty,
            JSONWebToken.looksLikeToken(token)
        else { return nil }
        let name = Known(generation: compiled.generation, digest: SHA256.hash(data: Array(token.utf8)))
        let now = Timestamp.seconds
        if let known = self.state.withLock({ $0.known[name] }), known.until > now { return known.user }
        guard let parts = JSONWebToken.parts(of: token), let issuer = Self.issuer(of: parts),
            let authenticator = compiled.configuration.authenticators.first(where: { $0.location.url == issuer })
        else { return nil }
        do throws(TokenRefusal) {
            try await Self.verify(parts, authenticator, keys, cluster, now)
            let user = try authenticator.user(of: parts.claims)
            var complete = user
            complete.groups.append("system:authenticated")
            let found = complete
            let end = min(now + Self.memory, parts.claims["exp"]?.double ?? 0)
            self.state.withLock { state in
                if state.known.count >= Self.users, let other = state.known.keys.randomElement() { state.known[other] = nil }
                state.known[name] = (found, end)
            }
            return found
        } catch {
            self.logger.debug(
                "A token of an issuer was refused", metadata: ["cluster": "\(cluster.name)", "error": "\(error)"])
            throw error
        }
    }

    private static func verify(
        _ parts: JSONWebToken.Parts, _ authenticator: JWTAuthenticator, _ keys: IssuerKeys, _ cluster: LogicalCluster,
        _ now: Double
    ) async throws(TokenRefusal) {
        do throws(TokenRefusal) {
            try authenticator.check(parts, now: now)
            try await keys.verify(parts, authenticator.location, in: cluster)
        } catch {
            throw TokenRefusal("oidc: verify token: \(error)")
        }
    }

    /// Google's tokens may name it without a scheme.
    private static func issuer(of parts: JSONWebToken.Parts) -> String? {
        let issuer = parts.claims["iss"]?.string
        return issuer == "accounts.google.com" ? "https://accounts.google.com" : issuer
    }

    private func compiled(_ cluster: LogicalCluster) -> Compiled? {
        guard let source = self.policy(cluster) else { return nil }
        if let known = self.state.withLock({ $0.compiled[cluster.id] }), known.source == source { return known }
        let configuration = AuthenticationConfiguration(source.configuration, isTrusted: source.isTrusted)
        return self.state.withLock { state in
            state.generation += 1
            let made = Compiled(source: source, configuration: configuration, generation: state.generation)
            if state.compiled.count >= Self.clusters, let other = state.compiled.keys.randomElement() {
                state.compiled[other] = nil
            }
            state.compiled[cluster.id] = made
            return made
        }
    }
}
