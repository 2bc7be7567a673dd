import KubeObject
import KubeStore
import NIOCore
import Synchronization

/// Finds whom a cluster wants to be asked for a name, and keeps to where its own pods may go.
///
/// The addresses are tenants', and this server reaches more than they may. So a question goes only to a pod of the same cluster, by its own address or that of a
/// service, and to what is outside: never to this machine, another cluster's pods, or what the platform blocks; and to no address that
/// the cluster's allowlists don't let it.
///
/// Concurrency: event loops ask; the state is in a mutex.
final class ClusterNameServers: Sendable {
    /// Where a question goes, and where its answer is kept: no cluster gets what another one's name servers have said.
    struct Route: Sendable {
        var cluster: Int64
        var servers: [SocketAddress]
        var cache: DNSCache
    }

    private struct Entry {
        /// Which objects it was read from.
        var versions: [UInt64?]
        var domains: StubDomains
        var cache: DNSCache
        var used: UInt64
    }

    private let configuration: NetworkConfiguration
    private let addresses: @Sendable (IPAddress) -> Int64?
    private let allowlists: @Sendable (Int64) -> NetworkAllowlists
    private let machine: @Sendable () -> Set<IPAddress>?
    private let entries = Mutex<(byCluster: [Int64: Entry], uses: UInt64)>(([:], 0))

    /// Nobody's, or this machine's, or many's.
    private static let special = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].compactMap { IPRange($0) }

    /// Clusters whose configuration and answers are kept.
    private static let maximumClusters = 256
    /// Of one cluster.
    private static let maximumAnswers = 512

    /// - Parameters:
    ///   - addresses: the cluster of a pod's address.
    ///   - allowlists: what is said of a cluster.
    ///   - machine: the machine's own addresses; nil when they aren't known, and nothing outside may be asked.
    init(
        configuration: NetworkConfiguration, addresses: @escaping @Sendable (IPAddress) -> Int64?,
        allowlists: @escaping @Sendable (Int64) -> NetworkAllowlists, machine: @escaping @Sendable () -> Set<IPAddress>?
    ) {
        self.configuration = configuration
        self.addresses = addresses
        self.allowlists = allowlists
        self.machine = machine
    }

    /// - Parameters:
    ///   - snapshot: the cluster's state.
    ///   - transport: by which will be asked.
    /// - Returns: nil when the machine's resolvers are to be asked. Without servers when nobody may be.
    func route(_ name: DNSName, cluster: Int64, snapshot: Snapshot, transport: TransportProtocol) -> Route? {
        let maps = ["kube-dns", "coredns"].map {
            snapshot.get(Key(group: "core", plural: "configmaps", namespace: "kube-system", name: $0))
        }
        guard maps.contains(where: { $0 != nil }) else {
            // Most clusters have neither, and nothing is kept of them.
            entries.withLock { $0.byCluster[cluster] = nil }
            return nil
        }
        let versions = maps.map { $0?.metadata.resourceVersion }
        let (domains, cache) = entries.withLock { entries -> (StubDomains, DNSCache) in
            entries.uses += 1
            if let entry = entries.byCluster[cluster], entry.versions == versions {
                entries.byCluster[cluster]?.used = entries.uses
                return (entry.domains, entry.cache)
            }
            let entry = Entry(
                versions: versions, domains: StubDomains(kubeDNS: maps[0]?.tree["data"], coreDNS: maps[1]?.tree["data"]),
                cache: DNSCache(capacity: Self.maximumAnswers), used: entries.uses)
            if entries.byCluster[cluster] == nil, entries.byCluster.count >= Self.maximumClusters,
                let oldest = entries.byCluster.min(by: { $0.value.used < $1.value.used })
            {
                entries.byCluster[oldest.key] = nil
            }
            entries.byCluster[cluster] = entry
            return (entry.domains, entry.cache)
        }
        guard let servers = domains.servers(for: name) else { return nil }
        let directory = SnapshotDirectory(snapshot: snapshot)
        let places = servers.flatMap { place(of: $0, cluster, directory, transport) }
        let sockets = places.prefix(StubDomains.maximumServers).compactMap { place -> SocketAddress? in
            do { return try SocketAddress(ipAddress: place.address.description, port: Int(place.port)) } catch { return nil }
        }
        return Route(cluster: cluster, servers: sockets, cache: cache)
    }

    /// Where a question to a server really goes; nowhere when it mustn't.
    private func place(
        of server: StubDomains.Server, _ cluster: Int64, _ directory: SnapshotDirectory, _ transport: TransportProtocol
    ) -> [EndpointAddress] {
        guard configuration.serviceRanges.contains(where: { $0.contains(server.address) }) else {
            let place = EndpointAddress(address: server.address, port: server.port)
            return mayGo(to: place, cluster, transport) ? [place] : []
        }
        guard let name = directory.service(at: server.address), case .cluster(_, let ports)? = directory.service(name),
            let port = ports.first(where: { $0.number == server.port && $0.transport == transport })
        else { return [] }
        // Anybody may write endpoints: they are looked at like any address.
        let endpoints = ServiceElements.endpoints(of: port, slices: directory.slices(of: name)).shuffled()
        return Array(endpoints.lazy.filter { self.mayGo(to: $0, cluster, transport) }.prefix(StubDomains.maximumServers))
    }

    private func mayGo(to place: EndpointAddress, _ cluster: Int64, _ transport: TransportProtocol) -> Bool {
        let address = place.address
        if configuration.podSubnets.contains(where: { $0.contains(address) }) {
            return !configuration.gateways.contains(address) && addresses(address) == cluster
        }
        let shut = Self.special + configuration.serviceRanges + configuration.blocked
        // Endpoints of the other family have more special addresses than are worth listing.
        guard address.family == .v4, !shut.contains(where: { $0.contains(address) }), let own = machine(), !own.contains(address)
        else { return false }
        return allowlists(cluster).letsOut(to: address, port: place.port, name: "", transport)
    }
}
