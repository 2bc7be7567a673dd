public import KubeObject

/// What the platform lets one cluster have.
public struct ClusterPolicy: Sendable, Hashable {
    /// What a cluster may use. All of it is counted per cluster, whoever in it asks.
    public struct Limits: Sendable, Hashable {
        /// Objects of its own; those that every cluster begins with don't count.
        public var objects = 150_000
        /// The bytes of those objects, as they are stored.
        public var bytes = 256 << 20
        /// Watches and other streams open at once.
        public var watches = 10_000
        /// Requests in progress at once, those that wait for their turn included. The cluster's priority levels share it.
        public var requests = 600
        /// The largest body of a request, in bytes.
        public var requestBytes = 3 << 20
        /// Requests begun in a second; nil: as many as the server has time for.
        public var requestsPerSecond: Int?

        /// The defaults as documented at each property.
        public init() {}

        /// For the platform's own cluster.
        static var none: Limits {
            var limits = Limits()
            limits.objects = .max
            limits.bytes = .max
            return limits
        }
    }

    /// Which of the Pod Security Standards the pods of a cluster keep, whatever its own objects say.
    public enum PodSecurity: String, Sendable, CaseIterable {
        /// Everything is allowed, the machine included.
        case privileged
        /// What is known to lead out of a container isn't.
        case baseline
        /// Nor is what makes it easier.
        case restricted
    }

    /// What keeps the cluster's pods from the machine, and from each other.
    public enum Isolation: String, Sendable, CaseIterable {
        /// Containers on the machine's kernel.
        case shared
        /// Each pod has a kernel of its own: gVisor's, as a process.
        case gvisor
    }

    /// Who is believed, beside the cluster's own authorities, about who somebody is.
    public struct Authentication: Sendable, Hashable {
        /// The fields of an `AuthenticationConfiguration`.
        public var configuration: JSON
        /// Whether the platform says so, whose issuers may be anywhere; those of tenants are where their pods could reach them.
        public var isTrusted: Bool

        public init(configuration: JSON, isTrusted: Bool) {
            self.configuration = configuration
            self.isTrusted = isTrusted
        }
    }

    public var limits = Limits()
    public var isolation = Isolation.shared
    /// Nil: nobody, and whoever has no credential is anonymous.
    public var authentication: Authentication?
    public var podSecurity = PodSecurity.privileged

    /// Nothing is forbidden, and the limits are the defaults.
    public init() {}

    /// Of the platform's own cluster.
    ///
    /// - Parameter authentication: the platform's `AuthenticationConfiguration`, if there is one.
    public static func platform(authentication: JSON? = nil) -> ClusterPolicy {
        var policy = ClusterPolicy()
        policy.limits = .none
        policy.authentication = authentication.map { Authentication(configuration: $0, isTrusted: true) }
        return policy
    }
}
