import Foundation
public import KubeObject

/// A kubeconfig file for one user of one cluster.
public struct Kubeconfig: Sendable {
    /// How the user proves who they are.
    public enum Credential: Sendable {
        /// A certificate and key, PEM.
        case certificate(String, key: String)
        /// A bearer token.
        case token(String)
    }

    /// The name of the context and the user, and of the cluster if there is no ``serverName``.
    public var name: String
    /// As `https://127.0.0.1:6443/clusters/demo`.
    public var server: String
    /// The name by which the handshake asks for the cluster (SNI), so that requests find it whose path leaves the address's path out,
    /// as those of `kubectl get --raw` do.
    ///
    /// The file's cluster is called by it, too. Upstream's conformance suite looks for a cluster that is called as the current context, and
    /// gives kubectl that cluster's address as `--server`, which makes kubectl forget the name to ask for. It mustn't find one.
    public var serverName: String?
    /// The platform's authority, PEM.
    public var certificateAuthority: String
    /// The user's proof.
    public var credential: Credential
    /// The namespace that the context chooses, if any.
    public var namespace: String?

    /// See the properties.
    public init(
        name: String, server: String, serverName: String? = nil, certificateAuthority: String, credential: Credential,
        namespace: String? = nil
    ) {
        self.name = name
        self.server = server
        self.serverName = serverName
        self.certificateAuthority = certificateAuthority
        self.credential = credential
        self.namespace = namespace
    }

    /// The document (`v1`, `Config`).
    public var document: JSON {
        func base64(_ text: String) -> JSON { .string(Data(text.utf8).base64EncodedString()) }
        let user: JSON =
            switch self.credential {
            case .certificate(let certificate, let key):
                ["client-certificate-data": base64(certificate), "client-key-data": base64(key)]
            case .token(let token): ["token": .string(token)]
            }
        let clusterName = self.serverName ?? self.name
        var context: JSON = ["cluster": .string(clusterName), "user": .string(self.name)]
        if let namespace { context["namespace"] = .string(namespace) }
        var cluster: JSON = [
            "server": .string(self.server), "certificate-authority-data": base64(self.certificateAuthority),
        ]
        if let serverName { cluster["tls-server-name"] = .string(serverName) }
        return [
            "apiVersion": "v1", "kind": "Config", "current-context": .string(self.name), "preferences": [:],
            "clusters": [["name": .string(clusterName), "cluster": cluster]],
            "contexts": [["name": .string(self.name), "context": context]],
            "users": [["name": .string(self.name), "user": user]],
        ]
    }
}
