import KubeRegistry

/// Who is in the pod network and what the services are, turned into the elements of the kernel's table. Pure: no input but
/// the calls, no output but ``ruleset``.
///
/// Only clusters with pods here are in it. A change costs what the changed pod or service costs, however much else there is.
struct NetworkModel: Sendable {
    struct Pod: Sendable, Hashable {
        var uid: String
        var cluster: Int64
        var interface: InterfaceName
        /// Empty for one that an earlier run of the server let in.
        var namespace = ""
        var name = ""
        var hostPorts: [HostPortFacts] = []
        /// When it was let in, in seconds since 1970.
        var since: Double = 0
    }

    struct Cluster: Sendable {
        var mark: ClusterMark
        var pods: Set<IPAddress> = []
        var services: Set<ServiceName> = []
    }

    private(set) var ruleset = Ruleset()
    private(set) var pods: [IPAddress: Pod] = [:]
    private(set) var clusters: [Int64: Cluster] = [:]
    private var clusterOfMark: [ClusterMark: Int64] = [:]
    private var stickyNumbers: [StickyPort: StickyNumber] = [:]
    private var lastStickyNumber: UInt32 = 0
    private let nodePorts: ClosedRange<UInt16>?
    private let nodes: MachineNodes?
    private let families: [AddressFamily]
    /// The services of clusters that sleep or have just woken, as they were when they fell asleep. Connections to their ports of the host
    /// wait, and the ports stay theirs.
    private(set) var held: [Int64: [ServiceName: ServiceFacts]] = [:]

    /// A port of a service with session affinity.
    private struct StickyPort: Hashable {
        var mark: ClusterMark
        var service: ServiceName
        var name: String
        var transport: TransportProtocol
        var family: AddressFamily
    }

    /// - Parameters:
    ///   - nodePorts: the ports of the host's addresses that services may take; nil for none.
    ///   - nodes: the names of this machine's nodes, by which endpoints here are known; nil: all are.
    ///   - families: of which pods have addresses.
    init(nodePorts: ClosedRange<UInt16>? = nil, nodes: MachineNodes? = nil, families: [AddressFamily] = [.v4]) {
        self.families = families
        self.nodePorts = nodePorts
        self.nodes = nodes
    }

    /// Lets a pod in, in place of whoever had its address. One that has several is let in by each.
    mutating func attach(_ address: IPAddress, _ pod: Pod) {
        if let before = pods[address], before.cluster != pod.cluster { remove(address) }
        let mark = mark(of: pod.cluster)
        pods[address] = pod
        clusters[pod.cluster]?.pods.insert(address)
        ruleset.set(
            PodElements.of(address: address, interface: pod.interface, mark: mark, hostPorts: pod.hostPorts), of: .pod(address))
    }

    /// Whether an address is still another pod's, so that what the kernel remembers of it is that one's. A pod that was taken
    /// over from an earlier run of the server has no uid, but a cable that can't be another pod's.
    func isSuccessor(_ pod: Pod, at address: IPAddress) -> Bool {
        guard let before = pods[address] else { return false }
        if before.uid.isEmpty { return before.cluster != pod.cluster || before.interface != pod.interface }
        return before.uid != pod.uid
    }

    /// Shuts a pod out, unless its address is another pod's by now. A cluster without pods loses its services too.
    /// - Returns: whether the pod was in.
    mutating func detach(_ address: IPAddress, uid: String) -> Bool {
        guard let pod = pods[address], pod.uid == uid || pod.uid.isEmpty else { return false }
        remove(address)
        return true
    }

    private mutating func remove(_ address: IPAddress) {
        guard let pod = pods.removeValue(forKey: address) else { return }
        ruleset.set([], of: .pod(address))
        clusters[pod.cluster]?.pods.remove(address)
        emptied(pod.cluster)
    }

    /// Takes a cluster without pods out; one that sleeps keeps its ports of the host.
    private mutating func emptied(_ id: Int64) {
        guard let cluster = clusters[id], cluster.pods.isEmpty else { return }
        let held = self.held[id]
        for service in cluster.services.union(held.map { Set($0.keys) } ?? []) {
            ruleset.set(
                held?[service].map { holding($0, cluster.mark) } ?? [], of: .service(cluster.mark, service))
        }
        stickyNumbers = stickyNumbers.filter { $0.key.mark != cluster.mark }
        if let held {
            clusters[id]?.services = Set(held.keys)
            return
        }
        clusters[id] = nil
        clusterOfMark[cluster.mark] = nil
    }

    private func holding(_ facts: ServiceFacts, _ mark: ClusterMark) -> [Element] {
        ServiceElements.of(facts, slices: [], mark: mark, nodePorts: nodePorts, families: families, holds: true) { _, _ in
            StickyNumber(0)
        }
    }

    /// Holds connections to a cluster's ports of the host whenever there is nobody to answer them, until ``settle(_:)``.
    ///
    /// - Parameter services: the cluster's.
    mutating func hold(_ id: Int64, _ services: [ServiceName: ServiceFacts]) {
        let held = services.filter { $0.value.ports.contains { $0.nodePort != nil && $0.transport == .tcp } }
        guard !held.isEmpty else { return settle(id) }
        self.held[id] = held
        _ = mark(of: id)
        emptied(id)
    }

    /// A cluster is awake, or gone: connections to what doesn't answer are refused again. The services of one with pods are to be told
    /// of anew.
    mutating func settle(_ id: Int64) {
        guard held.removeValue(forKey: id) != nil else { return }
        emptied(id)
    }

    /// The cluster and the service to which a held port of the host belongs.
    func holder(
        ofPort port: UInt16, _ transport: TransportProtocol = .tcp, _ family: AddressFamily = .v4
    ) -> (cluster: Int64, service: ServiceName)? {
        let key = Element.Key(set: .nodePorts, family: family, text: "\(transport.rawValue) . \(port)")
        guard ruleset.value(of: key) != .nobody, case .service(let mark, let name)? = ruleset.holder(of: key),
            let id = clusterOfMark[mark]
        else { return nil }
        return (id, name)
    }

    /// The pod to which a port of the host leads at one of its addresses, and the pod's port.
    func hostPort(_ port: UInt16, _ transport: TransportProtocol, at address: IPAddress) -> EndpointAddress? {
        func find(_ place: IPAddress?) -> EndpointAddress? {
            for (pod, facts) in pods where pod.family == address.family {
                for own in facts.hostPorts
                where own.number == port && own.transport == transport && own.address == place && own.leads(to: pod) {
                    return EndpointAddress(address: pod, port: own.target)
                }
            }
            return nil
        }
        return find(address) ?? find(nil)
    }

    /// The clusters that have pods.
    var populated: Set<Int64> { Set(clusters.lazy.filter { !$0.value.pods.isEmpty }.map(\.key)) }

    /// Sets what a service of a cluster with pods is now; `facts` is nil when it's gone or has no address.
    mutating func update(_ name: ServiceName, in cluster: Int64, _ facts: ServiceFacts?, slices: [SliceFacts]) {
        guard let mark = clusters[cluster]?.mark else { return }
        guard let facts else {
            if clusters[cluster]?.services.remove(name) != nil { forgetStickyNumbers(of: name, mark) }
            ruleset.set([], of: .service(mark, name))
            return
        }
        clusters[cluster]?.services.insert(name)
        let elements = ServiceElements.of(
            facts, slices: slices, mark: mark, nodePorts: nodePorts, nodes: nodes, families: families,
            holds: held[cluster] != nil
        ) { port, family in
            stickyNumber(
                of: StickyPort(mark: mark, service: name, name: port.name, transport: port.transport, family: family))
        }
        ruleset.set(elements, of: .service(mark, name))
    }

    private mutating func stickyNumber(of port: StickyPort) -> StickyNumber {
        if let known = stickyNumbers[port] { return known }
        // Two thousand million later the first ones may still be in use: a clash would only mix up two services' memories.
        lastStickyNumber &+= 1
        let number = StickyNumber(lastStickyNumber)
        stickyNumbers[port] = number
        return number
    }

    private mutating func forgetStickyNumbers(of name: ServiceName, _ mark: ClusterMark) {
        guard !stickyNumbers.isEmpty else { return }
        stickyNumbers = stickyNumbers.filter { $0.key.mark != mark || $0.key.service != name }
    }

    /// The changes since the last call.
    mutating func takeChanges() -> RulesetDiff { ruleset.takeChanges() }

    /// A cluster's mark is its id, which makes the kernel's table readable and lets a restarted server recognize its pods; ids
    /// that don't fit into 31 bits or collide get the next free number.
    private mutating func mark(of id: Int64) -> ClusterMark {
        if let known = clusters[id] { return known.mark }
        var number = UInt32(truncatingIfNeeded: id) & ~StickyNumber.flag
        while number == 0 || clusterOfMark[ClusterMark(number: number)] != nil {
            number = (number &+ 1) & ~StickyNumber.flag
        }
        let mark = ClusterMark(number: number)
        clusterOfMark[mark] = id
        clusters[id] = Cluster(mark: mark)
        return mark
    }
}
