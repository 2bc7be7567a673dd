public import KubeRegistry
public import KubeStore

/// Asks for a document that an issuer of tokens has published.
public struct IssuerDocumentRequest: Sendable {
    /// An `https` URL.
    public var url: String
    /// The certificates, as PEM, of which one must have signed the server's; empty for those that the system trusts.
    public var authorities: [UInt8]
    /// Whose issuer it is.
    public var cluster: LogicalCluster
    /// Whether the address may be one that the cluster's own pods couldn't reach.
    public var isTrusted: Bool
    /// Whether a host such as `NAME.NAMESPACE.svc` is a service of the cluster.
    public var findsServices: Bool
    /// What the whole exchange may take.
    public var timeout: Duration
    /// A longer document is a failure, in bytes.
    public var maximumSize: Int
}

/// A document, and for how long it may be kept.
public struct PublishedDocument: Sendable {
    /// As it came.
    public var bytes: [UInt8]
    /// By `Cache-Control: max-age`, in seconds; nil when the answer didn't say.
    public var maximumAge: Int?
}

/// Reads what issuers publish: HTTPS, apart from what the documents mean.
public protocol DocumentReader: Sendable {
    /// - Throws: when there is no answer of the class 2xx in time.
    func read(_ request: IssuerDocumentRequest) async throws(WebhookFailure) -> PublishedDocument
}
