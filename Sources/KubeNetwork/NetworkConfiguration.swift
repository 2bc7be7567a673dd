public import KubeRegistry

/// Where an instance's pod network is, and what it gives to pods.
public struct NetworkConfiguration: Sendable {
    /// The instance's name; what it makes on the system carries it.
    public var instance: String
    /// The pods' IPv4 addresses. Two instances on one machine need two subnets.
    public var podSubnet: IPRange
    /// The pods' router. The first address of the subnet, as CNI's `host-local` has it.
    public var gateway: IPAddress
    /// Service addresses, the same in every cluster.
    public var serviceRange: IPRange
    /// What pods and services have of IPv6; nil when they have none, so that it is shut.
    public var six: Second?
    /// The `kubernetes` service's address, and the API server's port on this machine that it leads to.
    public var apiAddress: IPAddress
    public var apiPort: UInt16
    /// The DNS service's address, and the port on this machine where questions are answered, over UDP and TCP.
    public var dnsAddress: IPAddress
    public var dnsPort: UInt16
    /// As in `cluster.local`.
    public var clusterDomain: String
    /// Where pods may not go. By default what machines in clouds have for themselves only.
    public var blockedDestinations: [IPRange]
    /// The ports of the host's addresses that services of type NodePort may take; nil for none.
    public var nodePorts: ClosedRange<UInt16>?
    /// The names of this machine's nodes, by which endpoints say that they're here; nil: all count as here.
    public var nodes: MachineNodes?
    /// The file that names the resolvers for everything outside the cluster.
    public var resolverFile: String

    /// - Parameter podSubnet: with at least four addresses.
    public init(
        instance: String = "sampan", podSubnet: IPRange, serviceRange: IPRange, apiPort: UInt16, dnsPort: UInt16,
        clusterDomain: String = "cluster.local", nodes: MachineNodes? = nil, six: Second? = nil
    ) {
        self.nodes = nodes
        self.instance = instance
        self.podSubnet = podSubnet
        self.serviceRange = serviceRange
        self.apiPort = apiPort
        self.dnsPort = dnsPort
        self.clusterDomain = clusterDomain
        self.six = six
        gateway = podSubnet[1]
        apiAddress = serviceRange[1]
        dnsAddress = serviceRange[10]
        blockedDestinations = Self.cloudMetadata
        nodePorts = 30_000...32_767
        resolverFile = "/etc/resolv.conf"
    }

    /// The addresses of the second family.
    public struct Second: Sendable, Hashable {
        public let podSubnet: IPRange
        public let serviceRange: IPRange
        /// Where pods may not go.
        public var blockedDestinations: [IPRange]

        var gateway: IPAddress { podSubnet[1] }

        /// - Returns: nil unless both ranges are of IPv6.
        public init?(podSubnet: IPRange, serviceRange: IPRange) {
            guard podSubnet.family == .v6, serviceRange.family == .v6 else { return nil }
            self.podSubnet = podSubnet
            self.serviceRange = serviceRange
            blockedDestinations = NetworkConfiguration.neverOutsideSix
        }
    }

    /// What no pod is let go to by IPv6: loopback and unspecified, link-local and multicast addresses, those that are IPv4 ones in disguise,
    /// AWS's metadata services (`fd00:ec2::/32`), and whatever is blocked by IPv4, by way of a NAT64 gateway (RFC 6052).
    public static let neverOutsideSix: [IPRange] =
        ["::/80", "::ffff:0:0:0/96", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32"].compactMap { IPRange($0) }
        + cloudMetadata.map { range in
            IPRange(IPAddress(family: .v6, high: 0x0064_FF9B << 32, low: range.base.low), range.prefixLength + 96)
        }

    /// The families of which pods have addresses, the primary first.
    var families: [AddressFamily] { six == nil ? [.v4] : [.v4, .v6] }

    /// All ranges that pods have addresses of, and all that services have.
    var podSubnets: [IPRange] { [podSubnet] + (six.map { [$0.podSubnet] } ?? []) }
    var serviceRanges: [IPRange] { [serviceRange] + (six.map { [$0.serviceRange] } ?? []) }
    /// The host's own addresses in the pods' ranges.
    var gateways: [IPAddress] { [gateway] + (six.map { [$0.gateway] } ?? []) }
    var blocked: [IPRange] { blockedDestinations + (six?.blockedDestinations ?? []) }

    /// Link-local addresses (the metadata services of AWS, Azure, GCP, OpenStack), and those of Alibaba, Azure's host, and Oracle.
    public static let cloudMetadata: [IPRange] =
        ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"].compactMap { IPRange($0) }

    /// - Throws: what is wrong, in words for the person who chose it.
    func check() throws(BadNetworkConfiguration) {
        guard podSubnet.prefixLength <= 29 else {
            throw BadNetworkConfiguration(
                "the pod subnet \(podSubnet) is too small: give it at least eight addresses, as 10.244.0.0/16")
        }
        guard !podSubnet.overlaps(serviceRange) else {
            throw BadNetworkConfiguration(
                "the pod subnet \(podSubnet) and the service range \(serviceRange) overlap: choose others")
        }
        if let six {
            guard six.podSubnet.prefixLength <= 120 else {
                throw BadNetworkConfiguration(
                    "the pod subnet \(six.podSubnet) is too small: give it at least 256 addresses, as fd00:10:244::/64")
            }
            guard !six.podSubnet.overlaps(six.serviceRange) else {
                throw BadNetworkConfiguration(
                    "the pod subnet \(six.podSubnet) and the service range \(six.serviceRange) overlap: choose others")
            }
        }
        guard apiPort != dnsPort else {
            throw BadNetworkConfiguration("the API and DNS both have the port \(apiPort): choose another for one of them")
        }
    }

    var table: TableName { TableName(instance: instance) }

    var hostServices: PolicyCompiler.HostServices {
        .init(
            gateway: gateway, apiAddress: apiAddress, apiPort: apiPort, dnsAddress: dnsAddress, dnsPort: dnsPort,
            families: families)
    }

    func skeleton(holdPorts: [AddressFamily: UInt16]) -> TableSkeleton {
        TableSkeleton(
            table: table,
            four: .init(
                family: .v4, podSubnet: podSubnet, gateway: gateway, serviceRange: serviceRange, blocked: blockedDestinations),
            six: six.map {
                .init(
                    family: .v6, podSubnet: $0.podSubnet, gateway: $0.gateway, serviceRange: $0.serviceRange,
                    blocked: $0.blockedDestinations)
            },
            apiAddress: apiAddress, apiPort: apiPort, dnsAddress: dnsAddress, dnsPort: dnsPort, holdPorts: holdPorts)
    }
}

/// The pod network can't be as it's configured.
public struct BadNetworkConfiguration: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
