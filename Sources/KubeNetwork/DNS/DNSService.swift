import Logging
import NIOCore
import NIOPosix

/// The DNS answerer with its sockets and the host's resolvers.
struct DNSService: Sendable {
    private let configuration: NetworkConfiguration
    private let server: DNSServer
    private let forwarder: DNSForwarder
    private let logger: Logger

    /// How often the host's resolvers are looked up.
    private static let refreshTime: Duration = .seconds(30)
    /// Questions under way at once to name servers that clusters have named: of one cluster, and of all.
    private static let clusterLimits = (perSource: 64, total: 1_024)

    /// - Parameters:
    ///   - learn: told of each answer from outside before a pod has it.
    ///   - route: whom a pod's cluster wants to be asked for a name.
    ///   - directory: the state of the cluster that a pod's address belongs to.
    /// - Throws: when the cluster domain is no name.
    init(
        configuration: NetworkConfiguration, logger: Logger, learn: @escaping DNSResponder.Learn,
        route: @escaping DNSResponder.Route, directory: @escaping @Sendable (IPAddress) -> (any DNSDirectory)?
    ) throws {
        guard let domain = DNSName(configuration.clusterDomain) else {
            throw BadClusterDomain(text: configuration.clusterDomain)
        }
        let group = MultiThreadedEventLoopGroup.singleton
        self.configuration = configuration
        self.logger = logger
        forwarder = DNSForwarder(group: group)
        let zone = ClusterZone(
            domain: domain, dnsAddress: configuration.dnsAddress,
            ownRanges: configuration.podSubnets + configuration.serviceRanges)
        server = DNSServer(
            responder: DNSResponder(
                zone: zone, forwarder: forwarder, learn: learn, route: route,
                clusterForwarder: DNSForwarder(group: group, limits: Self.clusterLimits), directory: directory), group: group)
    }

    /// Answers until the task is cancelled.
    /// - Throws: when the port is taken.
    func run() async throws {
        readResolvers()
        let listeners = try await server.listen(host: "0.0.0.0", port: Int(configuration.dnsPort))
        logger.info("Answering the pods' DNS questions.", metadata: ["port": "\(listeners.port)"])
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.refreshTime) } catch { break }
            readResolvers()
        }
        await listeners.close()
    }

    private func readResolvers() {
        do {
            let resolvers = try ResolverConfiguration(
                path: configuration.resolverFile, excluding: configuration.podSubnets + configuration.serviceRanges)
            forwarder.use(resolvers)
        } catch {
            logger.warning(
                "The host's resolvers aren't known; pods can look up only names of their cluster.",
                metadata: ["file": "\(configuration.resolverFile)", "error": "\(error)"])
        }
    }
}

/// The cluster domain isn't a domain name.
struct BadClusterDomain: Error, CustomStringConvertible {
    var text: String
    var description: String { "“\(text)” is no domain name; the cluster domain is usually cluster.local" }
}
