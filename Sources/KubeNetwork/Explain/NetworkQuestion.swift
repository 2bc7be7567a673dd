/// Whether one end can open a connection to another, within a cluster and beyond it.
public struct NetworkQuestion: Sendable, Hashable {
    enum End: Sendable, Hashable {
        case pod(ServiceName)
        case service(ServiceName)
        case address(IPAddress)
        /// Whatever there is in another cluster.
        case cluster(String)
    }

    /// What is wrong with a question.
    public struct Problem: Error, Sendable, Hashable {
        /// `from`, `to`, `port` or `protocol`.
        public var field: String
        public var message: String
    }

    var from: End
    var to: End
    /// Nil for all ports of a service.
    var port: UInt16?
    var transport: TransportProtocol

    private static let maximumLength = 512

    /// - Parameters:
    ///   - from: `[NAMESPACE/]POD`, an IP address, or `cluster/NAME`.
    ///   - to: the same, or `[NAMESPACE/]service/NAME`.
    ///   - port: may be left out for a service.
    ///   - transport: TCP, UDP or SCTP; TCP if nil or empty.
    public init(from: String, to: String, port: Int64?, transport name: String?) throws(Problem) {
        self.from = try Self.end(from, "from")
        self.to = try Self.end(to, "to")
        if case .service = self.from {
            throw Problem(field: "from", message: "a service opens no connections; name one of its pods")
        }
        guard let transport = TransportProtocol(api: name) else {
            throw Problem(field: "protocol", message: "must be TCP, UDP or SCTP")
        }
        self.transport = transport
        if let port {
            guard let number = UInt16(exactly: port), number > 0 else {
                throw Problem(field: "port", message: "must be between 1 and 65535, inclusive")
            }
            self.port = number
        }
        switch self.to {
        case .service, .cluster: break
        case .pod, .address:
            if port == nil { throw Problem(field: "port", message: "is needed for whatever isn't a service") }
        }
    }

    private static func end(_ text: String, _ field: String) throws(Problem) -> End {
        if let address = IPAddress(text) { return .address(address) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard !parts.contains(""), text.utf8.count <= maximumLength else {
            throw Problem(
                field: field, message: "must be [NAMESPACE/]POD, [NAMESPACE/]service/NAME, cluster/NAME or an IP address")
        }
        func named(_ kind: String, _ namespace: String, _ name: String) -> End? {
            switch kind {
            case "pod", "pods", "po": .pod(ServiceName(namespace: namespace, name: name))
            case "service", "services", "svc": .service(ServiceName(namespace: namespace, name: name))
            default: nil
            }
        }
        switch parts.count {
        case 1: return .pod(ServiceName(namespace: "default", name: text))
        case 2 where parts[0] == "cluster": return .cluster(parts[1])
        case 2: return named(parts[0], "default", parts[1]) ?? .pod(ServiceName(namespace: parts[0], name: parts[1]))
        case 3:
            if let end = named(parts[1], parts[0], parts[2]) { return end }
            fallthrough
        default:
            throw Problem(
                field: field, message: "must be [NAMESPACE/]POD, [NAMESPACE/]service/NAME, cluster/NAME or an IP address")
        }
    }
}

/// What becomes of a connection, and what decides it.
public struct NetworkAnswer: Sendable, Hashable {
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// Nothing is in its way.
        case open = "Open"
        /// A network policy or an allowlist lets it pass.
        case allowed = "Allowed"
        case egressDenied = "EgressDenied"
        case ingressDenied = "IngressDenied"
        /// Somebody above the cluster has an allowlist in which it isn't.
        case notAllowlisted = "NotAllowlisted"
        /// Clusters can't reach each other.
        case otherCluster = "OtherCluster"
        /// Where the platform lets no pod go.
        case blocked = "Blocked"
        /// The machine itself, which pods don't reach.
        case machine = "Machine"
        /// From outside only ports of the machine lead to pods.
        case outside = "Outside"
        /// There is nobody who would answer.
        case refused = "Refused"
        /// An end isn't in the pod network now.
        case notRunning = "NotRunning"
        /// Some of a service's endpoints can be reached and some can't.
        case partly = "Partly"
    }

    public var isReachable: Bool
    public var reason: Reason
    /// What decides it, in a sentence.
    public var message: String
    /// The way as far as it goes.
    public var steps: [String]
}
