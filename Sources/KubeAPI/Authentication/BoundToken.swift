import KubeObject
import KubeRegistry
import KubeStore

/// What the claims of a service account's token say: whose it is, from when to when, for whom, and with what it ends.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
struct BoundToken: Sendable {
    /// Seconds since 1970.
    private let start: Double
    private let end: Double
    private let audiences: [String]
    private let user: UserInfo
    /// The account, and what else must exist with its uid.
    private let bounds: [(key: Key, uid: String)]

    /// Nil for claims that no token of ours has.
    init?(_ claims: JSON) {
        guard claims["iss"]?.string == ServiceAccountTokens.issuer, let end = claims["exp"]?.double,
            let start = claims["nbf"]?.double, let bound = claims["kubernetes.io"], let namespace = bound["namespace"]?.string,
            let account = bound["serviceaccount"], let name = account["name"]?.string, let uid = account["uid"]?.string,
            claims["sub"]?.string == "system:serviceaccount:\(namespace):\(name)"
        else { return nil }
        self.start = start
        self.end = end
        audiences = claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.strings ?? []

        var user = UserInfo.serviceAccount(namespace: namespace, name: name, uid: uid)
        var bounds = [(key: Key(group: "", plural: "serviceaccounts", namespace: namespace, name: name), uid: uid)]
        if let id = claims["jti"]?.string { user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        for (kind, plural) in [("pod", "pods"), ("secret", "secrets"), ("node", "nodes")] {
            guard let object = bound[kind] else { continue }
            let name = object["name"]?.string ?? ""
            let uid = object["uid"]?.string ?? ""
            // A node named beside a pod only informs; alone it bounds the token's life.
            if kind != "node" || bound["pod"] == nil {
                bounds.append((Key(group: "", plural: plural, namespace: kind == "node" ? "" : namespace, name: name), uid))
            }
            if kind != "secret" {
                user.extra["authentication.kubernetes.io/\(kind)-name"] = [name]
                if !uid.isEmpty { user.extra["authentication.kubernetes.io/\(kind)-uid"] = [uid] }
            }
        }
        self.user = user
        self.bounds = bounds
    }

    /// The token's user and those of the audiences that it names, while it is in date and what bounds it exists.
    func user(audiences wanted: [String], in snapshot: Snapshot) -> (user: UserInfo, audiences: [String])? {
        let now = Timestamp.seconds
        guard end > now, start <= now + 60 else { return nil }
        let shared = wanted.filter(audiences.contains)
        guard !shared.isEmpty,
            bounds.allSatisfy({ ServiceAccountTokens.lives($0.key, uid: $0.uid, in: snapshot) })
        else { return nil }
        return (user, shared)
    }
}
