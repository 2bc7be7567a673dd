import Crypto
import Foundation
public import KubeObject
public import KubeRegistry
import KubeStore

/// Signs and reads the tokens of service accounts, each cluster's with its own key.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
public struct ServiceAccountTokens: TokenIssuer {
    /// Who issues, in every cluster: the address at which its pods find the API server.
    public static let issuer = "https://kubernetes.default.svc.cluster.local"
    /// Who issued tokens that are kept in secrets, in every cluster.
    static let legacyIssuer = "kubernetes/serviceaccount"
    private static let legacyPrefix = "kubernetes.io/serviceaccount/"
    /// The audiences that the API server itself answers to.
    static let ownAudiences = [issuer]

    private let identities: IdentityCache
    private let verified = VerifiedTokens()

    init(identities: IdentityCache) {
        self.identities = identities
    }

    // MARK: Issuing

    /// Signs a token.
    public func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken {
        let identity = try self.identities.identity(of: claims.cluster)
        if let secret = claims.secret { return try self.issue(claims, keptIn: secret, identity) }
        let now = Int64(Timestamp.seconds)
        let end = now + claims.expirationSeconds
        let audiences = claims.audiences.isEmpty ? Self.ownAudiences : claims.audiences
        var bound: JSON = [
            "namespace": .string(claims.namespace),
            "serviceaccount": ["name": .string(claims.serviceAccount), "uid": .string(claims.serviceAccountUID)],
        ]
        if let object = claims.boundObject {
            bound[object.kind.lowercased()] = ["name": .string(object.name), "uid": .string(object.uid)]
        }
        if let node = claims.node { bound["node"] = ["name": .string(node.name), "uid": .string(node.uid)] }
        let payload: JSON = [
            "aud": JSON(audiences), "exp": .int(end), "iat": .int(now), "nbf": .int(now), "iss": .string(Self.issuer),
            "jti": .string(Identifiers.uid()), "kubernetes.io": bound,
            "sub": .string("system:serviceaccount:\(claims.namespace):\(claims.serviceAccount)"),
        ]
        do {
            let token = try JSONWebToken.sign(payload, with: identity.serviceAccountKey, keyID: identity.serviceAccountKeyID)
            return IssuedToken(token: token, expirationTimestamp: Timestamp.format(Double(end)), audiences: audiences)
        } catch {
            throw .internalError("signing a service-account token in cluster \(claims.cluster.name): \(error)")
        }
    }

    /// Signs a token without end, which is good as long as its secret holds it.
    private func issue(
        _ claims: TokenClaims, keptIn secret: String, _ identity: ClusterIdentity
    ) throws(StatusError) -> IssuedToken {
        let payload: JSON = [
            "iss": .string(Self.legacyIssuer), "\(Self.legacyPrefix)namespace": .string(claims.namespace),
            "\(Self.legacyPrefix)secret.name": .string(secret),
            "\(Self.legacyPrefix)service-account.name": .string(claims.serviceAccount),
            "\(Self.legacyPrefix)service-account.uid": .string(claims.serviceAccountUID),
            "sub": .string("system:serviceaccount:\(claims.namespace):\(claims.serviceAccount)"),
        ]
        do {
            let token = try JSONWebToken.sign(payload, with: identity.serviceAccountKey, keyID: identity.serviceAccountKeyID)
            return IssuedToken(token: token, expirationTimestamp: "", audiences: Self.ownAudiences)
        } catch {
            throw .internalError("signing a service-account token in cluster \(claims.cluster.name): \(error)")
        }
    }

    // MARK: Reading

    /// The user of a token of this cluster, whose service account and bound object still exist.
    /// - Parameters:
    ///   - audiences: those of which the token must name one; empty for the API server's own.
    ///   - last: of the connection that the token came over, if it came so.
    /// - Returns: nil for everything else.
    func review(
        token: String, audiences: [String], cluster: LogicalCluster, last: LastToken?
    ) throws(StatusError) -> (user: UserInfo, audiences: [String])? {
        let identity = try self.identities.identity(of: cluster)
        let wanted = audiences.isEmpty ? Self.ownAudiences : audiences
        if let bootstrap = identity.bootstrapUser(token) {
            return (UserInfo(name: bootstrap.user, groups: bootstrap.groups + ["system:authenticated"]), wanted)
        }
        guard let found = self.verified.token(token, identity, last: last) else { return nil }
        if let bound = found.bound { return bound.user(audiences: wanted, in: cluster.snapshot) }
        guard found.claims["iss"]?.string == Self.legacyIssuer else { return nil }
        return Self.user(of: found.claims, token, in: cluster.snapshot).map { user in
            (user, wanted.filter(Self.ownAudiences.contains))
        }.flatMap { $0.1.isEmpty ? nil : $0 }
    }

    /// The user of a token that is kept in a secret, as long as the secret holds this very token.
    private static func user(of claims: JSON, _ token: String, in snapshot: Snapshot) -> UserInfo? {
        func claim(_ name: String) -> String { claims["\(legacyPrefix)\(name)"]?.string ?? "" }
        let (namespace, name, uid) = (claim("namespace"), claim("service-account.name"), claim("service-account.uid"))
        guard claims["sub"]?.string == "system:serviceaccount:\(namespace):\(name)",
            let secret = snapshot.get(Key(group: "", plural: "secrets", namespace: namespace, name: claim("secret.name"))),
            secret.metadata.deletionTimestamp == nil,
            secret.tree[path: "data", "token"]?.string == Data(token.utf8).base64EncodedString(),
            lives("serviceaccounts", namespace, name: name, uid: uid, in: snapshot)
        else { return nil }
        return .serviceAccount(namespace: namespace, name: name, uid: uid)
    }

    /// Whether an object exists with this uid and isn't over: a deletion that waits bounds tokens from a minute after its deadline.
    static func lives(_ plural: String, _ namespace: String, name: String, uid: String, in snapshot: Snapshot) -> Bool {
        lives(Key(group: "", plural: plural, namespace: namespace, name: name), uid: uid, in: snapshot)
    }

    static func lives(_ key: Key, uid: String, in snapshot: Snapshot) -> Bool {
        guard let metadata = snapshot.get(key)?.metadata, metadata.uid == uid else { return false }
        guard let deadline = metadata.deletionTimestamp.flatMap({ Timestamp.parse($0) }) else { return true }
        return deadline + 60 > Timestamp.seconds
    }
}
