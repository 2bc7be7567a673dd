public import KubeObject
public import KubeStore

/// Where a webhook is: `clientConfig` of conversion and admission webhooks.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
public struct WebhookTarget: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        case url(String)
        /// A service of the cluster whose object names the webhook.
        case service(namespace: String, name: String, port: Int, path: String)
    }

    public var address: Address
    /// The certificates, as PEM, of which one must have signed the webhook's; empty for those that the system trusts.
    public var authorities: [UInt8]

    public init(_ address: Address, authorities: [UInt8] = []) {
        self.address = address
        self.authorities = authorities
    }

    /// - Returns: nil when the configuration names neither a URL nor a service, which its validation refuses.
    public init?(clientConfig: JSON) {
        if let url = clientConfig["url"]?.string, !url.isEmpty {
            address = .url(url)
        } else if let service = clientConfig["service"], service.object != nil {
            address = .service(
                namespace: service.text("namespace"), name: service.text("name"), port: Int(service["port"]?.int ?? 443),
                path: service.text("path"))
        } else {
            return nil
        }
        authorities = Base64.decode(clientConfig.text("caBundle")) ?? []
    }

    /// The URL as errors name it.
    public var url: String {
        switch address {
        case .url(let url): return url
        case .service(let namespace, let name, let port, let path):
            let rest = path.hasPrefix("/") || path.isEmpty ? path : "/\(path)"
            return "https://\(name).\(namespace).svc:\(port)\(rest)"
        }
    }
}

/// One question to a webhook.
public struct WebhookRequest: Sendable {
    public var target: WebhookTarget
    /// The cluster whose services are meant, and whose tenant bears what the webhook does.
    public var cluster: LogicalCluster
    /// JSON.
    public var body: [UInt8]
    /// What the whole exchange may take; also told to the webhook as `?timeout=`.
    public var timeout: Duration
    /// An answer of more bytes is a failure.
    public var maximumAnswer: Int

    public init(target: WebhookTarget, cluster: LogicalCluster, body: [UInt8], timeout: Duration, maximumAnswer: Int) {
        self.target = target
        self.cluster = cluster
        self.body = body
        self.timeout = timeout
        self.maximumAnswer = maximumAnswer
    }
}

/// Why a webhook gave no answer that can be used, as a Go client would have told it.
public struct WebhookFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    /// Whether nothing was heard, so that asking again may help.
    public var isTimeout: Bool

    public init(_ message: String, isTimeout: Bool = false) {
        self.message = message
        self.isTimeout = isTimeout
    }

    public var description: String { message }
}

/// Asks webhooks: HTTPS, which this room knows nothing of.
public protocol WebhookClient: Sendable {
    /// Posts the body.
    ///
    /// - Returns: the body of an answer of the class 2xx.
    func post(_ request: WebhookRequest) async throws(WebhookFailure) -> [UInt8]
}
