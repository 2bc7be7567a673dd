import FoundationEssentials
import KubeObject
public import KubeRegistry
public import KubeStore

/// Fills secrets of the type `kubernetes.io/service-account-token` with a token that lasts as long as the secret, and removes them with
/// their service account. Nobody gets such a token without asking for it by making the secret.
/// Source: https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token
public struct TokenSecretReconciler: Reconciler {
    static let type = "kubernetes.io/service-account-token"
    private static let nameKey = "kubernetes.io/service-account.name"
    private static let uidKey = "kubernetes.io/service-account.uid"
    /// In front of the names of service accounts, to tell them from those of secrets.
    private static let accountMark = "account/"

    public typealias Issue = @Sendable (TokenClaims) async throws -> IssuedToken
    private let issue: Issue
    private let authority: @Sendable (LogicalCluster) -> String?

    public init(issue: @escaping Issue, authority: @escaping @Sendable (LogicalCluster) -> String?) {
        self.issue = issue
        self.authority = authority
    }

    public var name: String { "tokens-controller" }
    public var watched: [String] { [Key.prefix(Resources.secrets), Key.prefix(Resources.serviceAccounts)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "ServiceAccount" {
            guard event.type == .deleted else { return [] }
            return [ObjectName(namespace: metadata.namespace, name: Self.accountMark + metadata.name)]
        }
        return event.type != .deleted && event.object.tree["type"]?.string == Self.type ? [ObjectName(metadata)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard work.name.hasPrefix(Self.accountMark) else {
            if let secret = work.object(Resources.secrets) { try await reconcile(secret, work) }
            return .done
        }
        let account = String(work.name.dropFirst(Self.accountMark.count))
        for secret in work.list(Resources.secrets) where Self.account(of: secret)?.name == account {
            try await reconcile(secret, work)
        }
        return .done
    }

    private func reconcile(_ secret: Object, _ work: Work) async throws {
        guard let named = Self.account(of: secret), secret.metadata.deletionTimestamp == nil else { return }
        let key = Key(Resources.serviceAccounts, namespace: work.namespace, name: named.name)
        guard let account = work.snapshot.get(key), named.uid.isEmpty || named.uid == account.metadata.uid else {
            return try await work.delete(Resources.secrets, secret.metadata)
        }
        let data = secret.tree["data"]
        let wanted: [(key: String, value: String)] =
            [("namespace", work.namespace)] + (authority(work.cluster).map { [("ca.crt", $0)] } ?? [])
        let missing = wanted.filter { data?[$0.key]?.string != Self.encoded($0.value) }
        let needsToken = data?["token"]?.string?.isEmpty ?? true
        if missing.isEmpty, !needsToken, named.uid == account.metadata.uid { return }
        var token: String?
        if needsToken {
            token = try await issue(
                TokenClaims(
                    cluster: work.cluster, namespace: work.namespace, serviceAccount: named.name,
                    serviceAccountUID: account.metadata.uid, secret: secret.metadata.name)
            ).token
        }
        try await work.change(Resources.secrets, secret.metadata) { tree in
            tree[path: "metadata", "annotations", Self.uidKey] = .string(account.metadata.uid)
            for (key, value) in missing { tree[path: "data", key] = .string(Self.encoded(value)) }
            if let token { tree[path: "data", "token"] = .string(Self.encoded(token)) }
        }
    }

    private static func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private static func account(of secret: Object) -> (name: String, uid: String)? {
        guard secret.tree["type"]?.string == type, let annotations = secret.tree[path: "metadata", "annotations"],
            let name = annotations[nameKey]?.string, !name.isEmpty
        else { return nil }
        return (name, annotations[uidKey]?.string ?? "")
    }
}
