import Foundation
import KubeObject
public import KubeRegistry
public import KubeStore
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// The network of the pods that run on this machine: services, DNS, and walls between clusters. docs/network.md tells how a
/// packet travels.
///
/// Concurrency: any task may call any function. ``podAttached(_:)`` and ``podDetached(_:)`` return when the kernel has
/// acted; before ``run()`` they wait for it.
public final class LocalNetwork: Service, PodNetworkObserver {
    private let configuration: NetworkConfiguration
    private let addresses: PodAddressBook
    let keeper: RuleKeeper
    private let hostPorts = HostPortReservations()
    private let store: Store
    private let sleeper = Mutex<Sleeper?>(nil)
    private let logger: Logger

    /// Who knows of clusters that sleep.
    public struct Sleeper: Sendable {
        /// Told of a connection to a sleeping cluster, in words, which is to have it wake. What it returns is kept while the connection lasts.
        public var knock: @Sendable (_ cluster: LogicalCluster, _ text: String) -> (any AnyObject & Sendable)?
        /// Whether a cluster's pods are not to run.
        public var isAsleep: @Sendable (_ cluster: LogicalCluster) -> Bool
        /// Whether a pod, by its uid, is being stopped for that.
        public var isFallingAsleep: @Sendable (_ uid: String) -> Bool

        public init(
            knock: @escaping @Sendable (_ cluster: LogicalCluster, _ text: String) -> (any AnyObject & Sendable)?,
            isAsleep: @escaping @Sendable (_ cluster: LogicalCluster) -> Bool,
            isFallingAsleep: @escaping @Sendable (_ uid: String) -> Bool
        ) {
            self.knock = knock
            self.isAsleep = isAsleep
            self.isFallingAsleep = isFallingAsleep
        }
    }

    /// - Parameters:
    ///   - addresses: whose a source address is; the DNS answerer asks it.
    ///   - nodePorts: told which ports of the host services have.
    ///   - allowlists: what is said of a cluster when it is asked; ``allowlistsChanged()`` says that it is something else.
    public convenience init(
        configuration: NetworkConfiguration, store: Store, addresses: PodAddressBook, nodePorts: NodePortBook? = nil,
        allowlists: @escaping @Sendable (LogicalCluster) -> NetworkAllowlists = { _ in NetworkAllowlists() }, logger: Logger
    ) {
        self.init(
            configuration: configuration, store: store, addresses: addresses, nodePorts: nodePorts, allowlists: allowlists,
            runner: NFTables(), forget: { filters in try Conntrack.forget(filters) }, logger: logger)
    }

    init(
        configuration: NetworkConfiguration, store: Store, addresses: PodAddressBook, nodePorts: NodePortBook? = nil,
        allowlists: @escaping @Sendable (LogicalCluster) -> NetworkAllowlists = { _ in NetworkAllowlists() },
        runner: any RuleRunner, forget: @escaping @Sendable (Set<Conntrack.Filter>) throws -> Void, logger: Logger
    ) {
        self.configuration = configuration
        self.addresses = addresses
        self.store = store
        self.logger = logger
        let keeper = RuleKeeper(
            configuration: configuration, store: store, nodePorts: nodePorts, allowlists: allowlists, runner: runner,
            forget: forget, logger: logger)
        self.keeper = keeper
        store.observe { keeper.observe($0) }
    }

    /// Serves until the task is cancelled or shutdown is asked for. The kernel's rules stay: pods outlive the server, and
    /// ``removeAll(instance:)`` is for the end.
    /// - Throws: when the configuration can't work, the DNS port is taken, or the host can't be made a router.
    public func run() async throws {
        // Whatever ends this, nobody waits for it any longer.
        defer { keeper.orders.close() }
        try configuration.check()
        if try HostSettings.enableForwarding() {
            logger.notice("IPv4 forwarding was off on this machine; pods need it, and it is on now.")
        }
        if configuration.six != nil {
            guard HostSettings.hasSix else {
                throw BadNetworkConfiguration("pods are to have IPv6 addresses, but this machine has no IPv6")
            }
            if try HostSettings.enableForwardingSix() {
                logger.notice("IPv6 forwarding was off on this machine; pods need it, and it is on now.")
            }
        }
        await lookForObstacles()
        let nameServers = ClusterNameServers(
            configuration: configuration, addresses: { [addresses] in addresses.cluster(ofPodIP: $0.description) },
            allowlists: { [keeper] in keeper.clusters.cluster($0).map(keeper.allowlists) ?? NetworkAllowlists() },
            machine: RecentMachineAddresses().all)
        let dns = try DNSService(
            configuration: configuration, logger: logger,
            learn: { [weak self] in self?.learn($0, $1, $2, age: $3, on: $4) },
            route: { [addresses, keeper, nameServers] source, name, isDatagram in
                guard let id = addresses.cluster(ofPodIP: source.description), let cluster = keeper.clusters.cluster(id) else {
                    return nil
                }
                return nameServers.route(name, cluster: id, snapshot: cluster.snapshot, transport: isDatagram ? .udp : .tcp)
            },
            directory: { [addresses, keeper] source in
                guard let id = addresses.cluster(ofPodIP: source.description), let cluster = keeper.clusters.cluster(id) else {
                    return nil
                }
                return SnapshotDirectory(snapshot: cluster.snapshot)
            })
        let hold = HoldServer(
            store: store, addresses: addresses, orders: keeper.orders,
            sleeper: Sleeper(
                knock: { [weak self] in self?.sleeper.withLock { $0 }?.knock($0, $1) },
                isAsleep: { [weak self] in self?.sleeper.withLock { $0 }?.isAsleep($0) ?? false },
                isFallingAsleep: { [weak self] in self?.sleeper.withLock { $0 }?.isFallingAsleep($0) ?? false }),
            admits: { [keeper] cluster, source, port in try Self.admits(keeper.allowlists(cluster), source, port) },
            logger: logger)
        let health = HealthCheckServer(
            admits: { [weak keeper] id, source, port in
                guard let keeper, let cluster = keeper.clusters.cluster(id) else { return false }
                // Whoever can't be judged isn't let in.
                return (try? Self.admits(keeper.allowlists(cluster), source, port)) ?? false
            }, logger: logger)
        keeper.healthChecks.withLock { $0 = health }
        defer { health.set([]) }
        let listeners = try await hold.listen(configuration.families)
        keeper.holdPorts.withLock { ports in
            ports = listeners.compactMapValues { $0.channel.localAddress?.port.flatMap(UInt16.init(exactly:)) }
        }
        try await cancelWhenGracefulShutdown { [keeper] in
            try await withThrowingDiscardingTaskGroup { group in
                for (family, listener) in listeners { group.addTask { try await hold.run(listener, family) } }
                group.addTask { await keeper.run() }
                group.addTask { try await dns.run() }
            }
        }
    }

    /// Whether a held connection may go on. The machine itself may always.
    private static func admits(_ lists: NetworkAllowlists, _ source: IPAddress, _ port: UInt16) throws -> Bool {
        guard !lists.admits(source, toPort: port) else { return true }
        return try MachineAddresses.all().contains(source)
    }

    /// Has the kernel know the addresses in an answer to a pod, if its cluster's allowlists have the name: what is blocked, the machine's own or
    /// another cluster's isn't opened by any list, so it needn't be known.
    ///
    /// - Parameter age: how old the answer is, in seconds.
    /// - Returns: when the answer can be given; nil for at once.
    private func learn(
        _ source: IPAddress, _ name: DNSName, _ answer: UpstreamAnswer, age: UInt32, on loop: any EventLoop
    ) -> EventLoopFuture<Void>? {
        guard let cluster = addresses.cluster(ofPodIP: source.description) else { return nil }
        let shut = configuration.podSubnets + configuration.serviceRanges + configuration.blocked
        let found = answer.addresses(of: name).filter { address, _ in
            configuration.families.contains(address.family) && !shut.contains { $0.contains(address) }
        }
        guard !found.isEmpty else { return nil }
        return keeper.names.learn(name, Set(found.keys), of: cluster, on: loop) { name, promise in
            keeper.orders.post(.learn(cluster: cluster, name, found.mapValues { $0 > age ? $0 - age : 0 }, promise))
        }
    }

    /// What is said of clusters' allowlists has changed; it counts for connections that begin when the kernel knows, a moment later.
    public func allowlistsChanged() { keeper.orders.post(.allowlists) }

    private func lookForObstacles() async {
        do {
            let routes = try KernelFile.text("/proc/net/route")
            let chains = try await NFTables().chains()
            var problems = configuration.podSubnets.flatMap {
                Obstacles.walls(in: chains, besides: configuration.table, podSubnet: $0)
            }
            problems += Obstacles.routes(in: routes, overlapping: [configuration.podSubnet, configuration.serviceRange])
            if let six = configuration.six {
                problems += Obstacles.routesSix(
                    in: try KernelFile.text("/proc/net/ipv6_route"), overlapping: [six.podSubnet, six.serviceRange])
            }
            for problem in problems { logger.warning("\(problem)") }
        } catch {
            logger.warning("Can't see what else filters packets on this machine.", metadata: ["error": "\(error)"])
        }
    }

    public func podAttached(_ pod: AttachedPod) async throws {
        let addresses = podAddresses(pod)
        // Both families' addresses are on one cable.
        guard let first = addresses.first else { return }
        for address in addresses {
            let isOurs = configuration.podSubnets.contains { $0.contains(address) } && !configuration.gateways.contains(address)
            guard isOurs else {
                let ranges = configuration.podSubnets.map(\.description).joined(separator: ", ")
                throw PodNetworkError(pod: pod, problem: "its address \(address) isn't one for pods (\(ranges))")
            }
        }
        guard let interface = try InterfaceName(pod.hostInterface) ?? HostRoutes.interface(to: first) else {
            throw PodNetworkError(
                pod: pod, problem: "the host has no route to its address \(first), by which its cable would be known")
        }
        let ports = pod.hostPorts.compactMap { HostPortFacts($0, families: configuration.families) }
        try hostPorts.take(ports, for: pod.pod.uid)
        do {
            if ports.contains(where: \.isLoopback) { try HostSettings.routeLoopback(to: interface) }
            let entry = NetworkModel.Pod(
                uid: pod.pod.uid, cluster: pod.pod.cluster, interface: interface, namespace: pod.pod.namespace,
                name: pod.pod.name, hostPorts: ports, since: Timestamp.seconds)
            for address in addresses {
                try await withCheckedThrowingContinuation { keeper.orders.post(.attach(address, entry, $0)) }
            }
        } catch {
            // Nobody says that a pod which never was in is out.
            hostPorts.release(pod.pod.uid)
            throw error
        }
    }

    /// A pod's addresses of the families that the network has, one of each at most.
    private func podAddresses(_ pod: AttachedPod) -> [IPAddress] {
        guard !pod.usesHostNetwork else { return [] }
        let all = pod.ips.compactMap { IPAddress($0) }
        return configuration.families.compactMap { family in all.first { $0.family == family } }
    }

    public func podDetached(_ pod: AttachedPod) async {
        // Others may have its ports when the rules don't lead to it any more.
        defer { hostPorts.release(pod.pod.uid) }
        do {
            for address in podAddresses(pod) {
                try await withCheckedThrowingContinuation {
                    keeper.orders.post(.detach(address, uid: pod.pod.uid, $0))
                }
            }
        } catch {
            // The keeper tries again on its own, and the cable that the rules are about is gone anyway.
            logger.warning(
                "A pod that's gone couldn't be taken out of the rules yet.",
                metadata: ["pod": "\(pod.pod.namespace)/\(pod.pod.name)", "error": "\(error)"])
        }
    }

    /// Says who has clusters wake.
    public func attach(_ sleeper: Sleeper) { self.sleeper.withLock { $0 = sleeper } }

    /// A cluster has woken: connections to its ports of the host are held for a while yet.
    public func noteWake(_ cluster: LogicalCluster) { keeper.orders.post(.wake(cluster: cluster.id)) }

    /// A cluster falls asleep: returns when new connections to its ports of the host are held, so that its pods may stop.
    public func noteSleep(_ cluster: LogicalCluster) async {
        do {
            try await withCheckedThrowingContinuation { keeper.orders.post(.sleep(cluster, $0)) }
        } catch {
            // The keeper tries again on its own. Meanwhile connections are refused, as by a server that isn't there.
            logger.warning(
                "Connections to a cluster that falls asleep can't be held yet.",
                metadata: ["cluster": "\(cluster.name)", "error": "\(error)"])
        }
    }

    /// When somebody outside last connected to a pod of a cluster by a port of the host, in seconds since 1970, and how many such connections
    /// there are now. It takes some tens of milliseconds.
    ///
    /// - Throws: when the kernel doesn't tell.
    public func connections(to cluster: LogicalCluster) async throws -> (last: Double?, open: Int) {
        let pods = await withCheckedContinuation { keeper.orders.post(.findPods(cluster: cluster.id, $0)) }
        guard !pods.isEmpty else { return (nil, 0) }
        let visits = try await NFTables().visits(configuration.table)
        let now = Timestamp.seconds
        // Before a pod had the address, it was another's.
        let last = visits.compactMap { address, ago in
            pods[address].flatMap { since in now - ago >= since ? now - ago : nil }
        }.max()
        let subnets = configuration.podSubnets
        let open = try await NIOThreadPool.singleton.runIfActive { try Conntrack.visitors(of: Set(pods.keys), notFrom: subnets) }
        return (last, open)
    }

    /// Says whether a connection from or to a cluster's pods gets through, and which rule decides.
    ///
    /// - Throws: when the machine doesn't tell its addresses, or the network isn't running any more.
    public func explain(_ question: NetworkQuestion, in cluster: LogicalCluster) async throws -> NetworkAnswer {
        let machine = try MachineAddresses.all()
        let answer = await withCheckedContinuation { keeper.orders.post(.explain(question, cluster, machine: machine, $0)) }
        guard let answer else { throw NetworkStopped() }
        return answer
    }

    /// Removes everything that an instance put into the kernel. For when its pods are gone.
    /// - Throws: when there's a table and it can't be removed.
    public static func removeAll(instance: String) async throws {
        let table = TableName(instance: instance)
        try await NFTables().apply("add table \(table)\ndelete table \(table)\n")
    }
}

/// A pod can't be let into the network.
struct PodNetworkError: Error, CustomStringConvertible {
    var pod: AttachedPod
    var problem: String
    var description: String { "pod \(pod.pod.namespace)/\(pod.pod.name) can't join the pod network: \(problem)" }
}
