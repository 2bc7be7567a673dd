public import KubeRegistry

/// Where an instance's pod network is, and what it gives to pods.
public struct NetworkConfiguration: Sendable {
    /// The instance's name; what it makes on the system carries it.
    public var instance: String
    /// The pods' addresses. Two instances on one machine need two subnets.
    public var podSubnet: IPv4Range
    /// The pods' router. The first address of the subnet, as CNI's `host-local` has it.
    public var gateway: IPv4Address
    /// Service addresses, the same in every cluster.
    public var serviceRange: IPv4Range
    /// The `kubernetes` service's address, and the API server's port on this machine that it leads to.
    public var apiAddress: IPv4Address
    public var apiPort: UInt16
    /// The DNS service's address, and the port on this machine where questions are answered, over UDP and TCP.
    public var dnsAddress: IPv4Address
    public var dnsPort: UInt16
    /// As in `cluster.local`.
    public var clusterDomain: String
    /// Where pods may not go. By default what machines in clouds have for themselves only.
    public var blockedDestinations: [IPv4Range]
    /// The ports of the host's addresses that services of type NodePort may take; nil for none.
    public var nodePorts: ClosedRange<UInt16>?
    /// The names of this machine's nodes, by which endpoints say that they're here; nil: all count as here.
    public var nodes: MachineNodes?
    /// The file that names the resolvers for everything outside the cluster.
    public var resolverFile: String

    /// - Parameter podSubnet: with at least four addresses.
    public init(
        instance: String = "sampan", podSubnet: IPv4Range, serviceRange: IPv4Range, apiPort: UInt16, dnsPort: UInt16,
        clusterDomain: String = "cluster.local", nodes: MachineNodes? = nil
    ) {
        self.nodes = nodes
        self.instance = instance
        self.podSubnet = podSubnet
        self.serviceRange = serviceRange
        self.apiPort = apiPort
        self.dnsPort = dnsPort
        self.clusterDomain = clusterDomain
        gateway = podSubnet[1]
        apiAddress = serviceRange[1]
        dnsAddress = serviceRange[10]
        blockedDestinations = Self.cloudMetadata
        nodePorts = 30_000...32_767
        resolverFile = "/etc/resolv.conf"
    }

    /// Link-local addresses (the metadata services of AWS, Azure, GCP, OpenStack), and those of Alibaba, Azure's host, and Oracle.
    public static let cloudMetadata: [IPv4Range] =
        ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"].compactMap { IPv4Range($0) }

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
        guard apiPort != dnsPort else {
            throw BadNetworkConfiguration("the API and DNS both have the port \(apiPort): choose another for one of them")
        }
    }

    var table: TableName { TableName(instance: instance) }

    var hostServices: PolicyCompiler.HostServices {
        .init(gateway: gateway, apiAddress: apiAddress, apiPort: apiPort, dnsAddress: dnsAddress, dnsPort: dnsPort)
    }

    func skeleton(holdPort: UInt16?) -> TableSkeleton {
        TableSkeleton(
            table: table, podSubnet: podSubnet, gateway: gateway, serviceRange: serviceRange, apiAddress: apiAddress,
            apiPort: apiPort, dnsAddress: dnsAddress, dnsPort: dnsPort, holdPort: holdPort,
            blocked: blockedDestinations)
    }
}

/// The pod network can't be as it's configured.
public struct BadNetworkConfiguration: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
