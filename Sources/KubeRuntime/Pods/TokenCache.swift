import KubeObject
import KubeRegistry
import KubeStore

/// A pod's service-account tokens: asked for when a volume is written, and again when four fifths of their life (or a day) are over.
final actor TokenCache {
    private struct Entry {
        var token: String
        var renewAt: Double
    }

    private let services: PodServices
    private let cluster: LogicalCluster
    private var tokens: [String: Entry] = [:]

    init(services: PodServices, cluster: LogicalCluster) {
        self.services = services
        self.cluster = cluster
    }

    /// When the first of the tokens wants to be renewed, in seconds since 1970.
    var renewAt: Double? { tokens.values.map(\.renewAt).min() }

    func token(pod: Pod, audience: String, seconds: Int64) async throws -> String {
        let key = "\(audience)/\(seconds)"
        let now = Timestamp.seconds
        if let known = tokens[key], known.renewAt > now { return known.token }
        guard let issuer = services.registry.tokenIssuer else {
            throw ContainerFailure(reason: "FailedMount", message: "failed to fetch token: this server signs no tokens")
        }
        let account = pod.spec["serviceAccountName"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        guard let tree = ClusterObjects(cluster: cluster).serviceAccount(namespace: pod.namespace, name: account) else {
            throw ContainerFailure(
                reason: "FailedMount", message: "failed to fetch token: serviceaccounts \"\(account)\" not found")
        }
        let issued = try await issuer.issue(
            TokenClaims(
                cluster: cluster, namespace: pod.namespace, serviceAccount: account,
                serviceAccountUID: tree[path: "metadata", "uid"]?.string ?? "", audiences: audience.isEmpty ? [] : [audience],
                expirationSeconds: seconds, boundObject: TokenBinding(kind: "Pod", name: pod.name, uid: pod.uid),
                node: (pod.nodeName, uid(ofNode: pod.nodeName))))
        let end = Timestamp.parse(issued.expirationTimestamp) ?? now + Double(seconds)
        tokens[key] = Entry(token: issued.token, renewAt: now + min((end - now) * 0.8, 86_400))
        return issued.token
    }

    private func uid(ofNode name: String) -> String {
        let key = Key(group: "core", plural: "nodes", name: name)
        return cluster.snapshot.get(key)?.metadata.uid ?? ""
    }
}
