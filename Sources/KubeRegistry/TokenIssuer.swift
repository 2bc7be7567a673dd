public import KubeObject
public import KubeStore

/// The object whose life bounds a token's: the token is nothing once it's gone.
public struct TokenBinding: Sendable, Hashable {
    public var apiVersion: String
    /// `Pod`, `Secret` or `Node`.
    public var kind: String
    public var name: String
    public var uid: String

    public init(apiVersion: String = "v1", kind: String, name: String, uid: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
    }
}

/// What a service account's token shall say.
public struct TokenClaims: Sendable {
    public var cluster: LogicalCluster
    public var namespace: String
    public var serviceAccount: String
    public var serviceAccountUID: String
    /// Empty for the API server's own audience.
    public var audiences: [String]
    public var expirationSeconds: Int64
    public var boundObject: TokenBinding?
    /// The node of the pod that the token is bound to.
    public var node: (name: String, uid: String)?
    /// The secret that the token is kept in, when it is of the old sort that lasts as long as its secret; it has no audience then.
    public var secret: String?

    public init(
        cluster: LogicalCluster, namespace: String, serviceAccount: String, serviceAccountUID: String, audiences: [String] = [],
        expirationSeconds: Int64 = 3600, boundObject: TokenBinding? = nil, node: (name: String, uid: String)? = nil,
        secret: String? = nil
    ) {
        self.cluster = cluster
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.serviceAccountUID = serviceAccountUID
        self.audiences = audiences
        self.expirationSeconds = expirationSeconds
        self.boundObject = boundObject
        self.node = node
        self.secret = secret
    }
}

/// A signed token.
public struct IssuedToken: Sendable {
    public var token: String
    /// RFC 3339.
    public var expirationTimestamp: String
    /// What the token was issued for, the default filled in.
    public var audiences: [String]

    public init(token: String, expirationTimestamp: String, audiences: [String]) {
        self.token = token
        self.expirationTimestamp = expirationTimestamp
        self.audiences = audiences
    }
}

/// Signs service-account tokens with the cluster's key. Implemented by KubeAPI; called for `TokenRequest` and for the volumes of pods.
public protocol TokenIssuer: Sendable {
    /// - Throws: a `StatusError` when the cluster has no key or signing fails.
    func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken
}

/// Whose a bearer token is.
public enum TokenVerdict: Sendable {
    /// The user's, for those of the audiences asked for that the token is for.
    case valid(UserInfo, audiences: [String])
    /// Nobody's. Why is told to those only who may ask about tokens.
    case invalid(reason: String = "")
}

/// Tells whose a bearer token is. Implemented by KubeAPI; called for `TokenReview`.
public protocol TokenReviewer: Sendable {
    /// - Parameter audiences: those of which the token must name one; empty for the API server's own.
    func review(token: String, audiences: [String], cluster: LogicalCluster) async throws(StatusError) -> TokenVerdict
}
