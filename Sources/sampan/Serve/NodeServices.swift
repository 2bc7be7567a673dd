import Fleet
import KubeAPI
import KubeControllers
import KubeNetwork
import KubeObject
import KubeRegistry
import KubeRuntime
import KubeStore
import Logging
import ServiceLifecycle

/// What runs pods on this machine: the container engine, the runtime over it, and the pods' network.
struct NodeServices {
    let runtime: LocalRuntime
    private let network: LocalNetwork

    init(
        _ configuration: Configuration, _ registry: Registry, _ addresses: PodAddressBook,
        lists: NetworkLists, rests: @escaping @Sendable (String) -> Bool,
        _ logger: Logger
    ) throws {
        let subnets = configuration.podSubnets.compactMap { IPRange($0) }
        guard subnets.count == configuration.podSubnets.count, let pods = subnets.first,
            let services = IPRange(ServiceRange.text),
            let api = UInt16(exactly: configuration.apiPort), let dns = UInt16(exactly: configuration.dnsPort)
        else {
            throw CommandFailure(
                "The pod subnet \(configuration.podSubnet) or a port isn't one.", hint: "Choose others with `sampan up --help`.")
        }
        var podsNetwork = NetworkConfiguration(
            instance: configuration.instance, podSubnet: pods, serviceRange: services, apiPort: api, dnsPort: dns,
            clusterDomain: configuration.domain,
            nodes: MachineNodes(first: NodeFacts.read(dataDirectory: configuration.dataDirectory).hostname))
        if configuration.isDualStack {
            guard let services = IPRange(ServiceRange.textSix),
                let six = NetworkConfiguration.Second(podSubnet: subnets[1], serviceRange: services)
            else {
                throw CommandFailure("The pod subnet \(subnets[1]) isn't one of IPv6.", hint: "Choose another with --pod-subnet.")
            }
            podsNetwork.six = six
        }
        if let path = configuration.resolvConfPath { podsNetwork.resolverFile = path }
        network = LocalNetwork(
            configuration: podsNetwork,
            store: registry.store, addresses: addresses, nodePorts: registry.nodePorts,
            allowlists: { NetworkAllowlists(lists.lists(of: $0.name)) }, logger: logger)
        let engine = try ContainerEngine(
            options: EngineOptions(
                dataDirectory: configuration.dataDirectory, instance: configuration.instance, podSubnet: configuration.podSubnet),
            logger: logger)
        runtime = LocalRuntime(
            engine: engine,
            options: RuntimeOptions(
                podPidsLimit: configuration.podPidsLimit > 0 ? configuration.podPidsLimit : nil,
                resolverFile: podsNetwork.resolverFile, eviction: try configuration.evictionSettings(),
                reservation: try configuration.nodeReservation()),
            registry: registry, addresses: addresses, network: network,
            admission: { pod, snapshot, isAdmitted, resized in
                NodeAdmission.rejection(of: pod, in: snapshot, isAdmitted: isAdmitted, resized: resized).map {
                    PodRejection(reason: $0.reason, message: $0.message)
                }
            },
            resizeAdmission: { pod, snapshot, isAdmitted, resized in
                NodeAdmission.resizeObstacle(of: pod, in: snapshot, isAdmitted: isAdmitted, resized: resized).map {
                    PodRejection(reason: $0.reason, message: $0.message)
                }
            }, rests: rests, logger: logger)
    }

    /// A cluster falls asleep or has woken. Whoever comes from now on is held before the first pod stops.
    func note(_ cluster: LogicalCluster, isAsleep: Bool) async {
        if isAsleep { await network.noteSleep(cluster) } else { network.noteWake(cluster) }
        runtime.reconsider(cluster)
    }

    /// Whether pods of a logical cluster run, or aren't through with their end.
    func hasPods(of cluster: Int64) -> Bool { runtime.hasPods(of: cluster) }

    /// A cluster is gone for good.
    func removeVolumes(of cluster: Int64) async { await runtime.removeVolumes(of: cluster) }

    /// What is said of clusters' networks is something else.
    func networkListsChanged() { network.allowlistsChanged() }

    /// Has the keeper hear of connections from outside.
    func attach(_ keeper: SleepKeeper, _ logger: Logger) {
        network.attach(
            LocalNetwork.Sleeper(
                knock: { keeper.note(ClusterUse(.connection, $1), of: $0) }, isAsleep: { keeper.isAsleep($0) },
                isFallingAsleep: { [runtime] in runtime.isFallingAsleep($0) }))
        keeper.ask { [network] cluster in
            do {
                return try await network.connections(to: cluster)
            } catch {
                // Rather awake for nothing than asleep under somebody.
                logger.warning(
                    "Can't see who is connected to a cluster.", metadata: ["cluster": "\(cluster.name)", "error": "\(error)"])
                return (nil, 1)
            }
        }
    }

    /// Has the platform's API say what becomes of connections.
    func attach(_ handler: NetworkExplainHandler) {
        handler.attach { [network] in try await NetworkExplanations.answer($0, $1, $2, network) }
    }

    /// The network is there before the runtime asks it to let pods in, and after.
    var services: [any Service] { [network, runtime] }

    var source: any NodeSource { Source(local: runtime.node) }

    var volumes: any VolumeSource { Disk(local: runtime.volumes) }

    /// What pods use, for autoscalers.
    var metricsSource: any MetricsSource { Meter(local: runtime.metrics) }

    /// What pods have used by now, for the ledger.
    var podUses: MeterKeeper.Pods {
        let uses = runtime.uses
        @Sendable func use(_ use: PodUses.Use) -> PodUse {
            PodUse(cluster: use.cluster, key: use.key, processorNanoseconds: use.processorNanoseconds, memory: use.memory)
        }
        return .init(current: { try await uses.current().map(use) }, ended: { uses.takeEnded().map(use) })
    }

    /// The same as an API.
    var resourceMetrics: ResourceMetrics {
        let (metrics, statistics) = (runtime.metrics, runtime.statistics)
        return ResourceMetrics(
            usage: { cluster in
                let found = try await metrics.current()
                var pods: [String: [String: [ResourceUsage.Container]]] = [:]
                for (place, usage) in found.containers where place.cluster == cluster.id {
                    pods[place.namespace, default: [:]][place.pod, default: []].append(
                        .init(
                            name: place.name, nanocores: usage.nanocores, memory: usage.memory,
                            counted: .init(
                                startTime: usage.startTime, processorNanoseconds: usage.reading.processorNanoseconds,
                                usedMemory: usage.reading.memory, residentSet: usage.reading.residentSet,
                                pageFaults: usage.reading.pageFaults, majorPageFaults: usage.reading.majorPageFaults)))
                }
                return ResourceUsage(time: found.time, window: found.window, pods: pods)
            }, rest: { try await PodStatistics(statistics.current($0)) })
    }

    /// What a new cluster has for nodes: this machine, so many times. Just after the start that waits for the engine to say what it is;
    /// when it doesn't, there are none. (Such a cluster gets one with its first pod.)
    func nodes(_ count: Int64) async -> [JSON] {
        let local = runtime.node
        return await local.isKnown() ? (1...max(1, count)).map { local.node(local.names.name($0)) } : []
    }

    /// The nodes as the scheduler asks for them: KubeRuntime and KubeControllers know nothing of each other.
    private struct Source: NodeSource {
        let local: LocalNode

        var nodes: MachineNodes { local.names }
        func node(_ name: String) -> JSON { local.node(name) }
    }

    /// The same for autoscalers.
    private struct Meter: MetricsSource {
        let local: RuntimeMetrics

        func usage(cluster: Int64, namespace: String, pod: String) async -> PodUsage? {
            let measured: RuntimeMetrics.Measurement
            // Without an answer there are no metrics, which the autoscaler says.
            do { measured = try await local.current() } catch { return nil }
            var containers: [String: [String: Int64]] = [:]
            for (place, usage) in measured.containers
            where place.cluster == cluster && place.namespace == namespace && place.pod == pod {
                containers[place.name] = ["cpu": (usage.nanocores + 999_999) / 1_000_000, "memory": usage.memory]
            }
            return containers.isEmpty ? nil : PodUsage(containers: containers)
        }
    }

    /// The same for the provisioner of volumes.
    private struct Disk: VolumeSource {
        let local: LocalVolumes

        func createVolume(_ handle: String, cluster: Int64) async throws { try local.create(handle, cluster: cluster) }
        func deleteVolume(_ handle: String, cluster: Int64) async throws { try await local.delete(handle, cluster: cluster) }
    }
}
