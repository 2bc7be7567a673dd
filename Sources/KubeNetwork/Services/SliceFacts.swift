import KubeObject

/// What of an EndpointSlice matters to the rules and to DNS.
struct SliceFacts: Sendable, Hashable {
    struct Port: Sendable, Hashable {
        var name: String
        var transport: TransportProtocol
        var number: UInt16
    }

    struct Endpoint: Sendable, Hashable {
        var address: IPAddress
        var hostname: String?
        var isReady: Bool
        /// Whether it's on its way out but still answers: used when no endpoint is ready (KEP-1669).
        var isServingWhileTerminating: Bool
        /// The node that it's on, if that is known.
        var nodeName: String?
    }

    var ports: [Port]
    var endpoints: [Endpoint]

    /// - Returns: nil for a slice of something else than addresses.
    init?(_ slice: JSON) {
        guard let family = slice["addressType"]?.string.flatMap({ AddressFamily(rawValue: $0) }) else { return nil }
        ports = (slice["ports"]?.elements ?? []).compactMap { port in
            guard let transport = TransportProtocol(api: port["protocol"]?.string),
                let number = port["port"]?.int.flatMap(UInt16.init(exactly:)), number > 0
            else { return nil }
            return Port(name: port["name"]?.string ?? "", transport: transport, number: number)
        }
        endpoints = (slice["endpoints"]?.elements ?? []).compactMap { endpoint in
            // The addresses of one endpoint are fungible, and only the first is used (discovery.k8s.io/v1).
            guard let address = endpoint["addresses"]?[0]?.string.flatMap({ IPAddress($0) }), address.family == family else {
                return nil
            }
            let conditions = endpoint["conditions"]
            let isReady = conditions?["ready"]?.bool ?? true
            return Endpoint(
                address: address, hostname: endpoint["hostname"]?.string.flatMap { $0.isEmpty ? nil : $0 }, isReady: isReady,
                isServingWhileTerminating: (conditions?["serving"]?.bool ?? isReady)
                    && (conditions?["terminating"]?.bool ?? false), nodeName: endpoint["nodeName"]?.string)
        }
    }
}
