import Crypto
import FoundationEssentials
import KubeObject
import KubeRegistry
public import KubeStore

/// Signs the config map `kube-public/cluster-info` with each bootstrap token that is meant for it, so that who has a token can tell that what
/// it says of the cluster is true.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing
public struct BootstrapSigner: Reconciler {
    private static let configMap = ObjectName(namespace: "kube-public", name: "cluster-info")
    private static let prefix = "jws-kubeconfig-"

    public init() {}

    public var name: String { "bootstrap-signer" }
    public var concurrency: Int { 1 }
    public var watched: [String] {
        [
            Key.prefix(Resources.configMaps), Key.prefix(Resources.secrets),
        ]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let key = event.key
        if key.namespace == Self.configMap.namespace {
            return event.type != .deleted && key.name == Self.configMap.name && key.plural == "configmaps" ? [Self.configMap] : []
        }
        guard key.namespace == BootstrapTokenSecret.namespace, key.plural == "secrets" else { return [] }
        return event.object.tree["type"]?.string == BootstrapTokenSecret.secretType ? [Self.configMap] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let map = work.object(Resources.configMaps), let content = map.tree[path: "data", "kubeconfig"]?.string else {
            return .done
        }
        let secrets = work.snapshot.list(prefix: Key.prefix(Resources.secrets, namespace: BootstrapTokenSecret.namespace))
        let tokens = secrets.compactMap { BootstrapTokenSecret($0) }.filter {
            $0.usages.contains("signing") && !$0.isExpired(at: work.now)
        }
        let signatures = Dictionary(
            tokens.map { (Self.prefix + $0.id, Self.signature(of: content, by: $0)) }, uniquingKeysWith: { first, _ in first })
        let present = (map.tree["data"]?.stringMap ?? [:]).filter { $0.key.hasPrefix(Self.prefix) }
        guard present != signatures else { return .done }
        try await work.change(Resources.configMaps, map.metadata) { tree in
            for key in present.keys where signatures[key] == nil { tree[path: "data", key] = nil }
            for (key, value) in signatures { tree[path: "data", key] = .string(value) }
        }
        return .done
    }

    /// A JSON Web Signature (RFC 7515) of a content that isn't in it.
    static func signature(of content: String, by token: BootstrapTokenSecret) -> String {
        func text(_ bytes: some Sequence<UInt8>) -> String {
            let encoded = Data(bytes).base64EncodedString()
            return String(encoded.compactMap { $0 == "=" ? nil : $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        }
        let header = text(#"{"alg":"HS256","kid":"\#(token.id)"}"#.utf8)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("\(header).\(text(content.utf8))".utf8), using: SymmetricKey(data: Data(token.secret.utf8)))
        return "\(header)..\(text(code))"
    }
}
