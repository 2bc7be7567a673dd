import Glibc
import KubeObject
public import KubeStore
import Synchronization

/// What pods use beside processor and memory: disk, network, processes. Counted when somebody asks, and for one cluster at most every
/// ten seconds: directories have to be walked for it.
///
/// Concurrency: any task may ask; one counts at a time, and who asks meanwhile for the same gets what it found.
public final class NodeStatistics: Sendable {
    public struct Pod: Sendable, Equatable {
        public var containers: [String: Container] = [:]
        public var volumes: [Volume] = []
        /// All that goes with the pod.
        public var ephemeral = DiskUsage()
        /// As the pod sees them; none for one that has the machine's network.
        public var interfaces: [NetworkCounters] = []
        public var processes: Int64?
    }

    public struct Container: Sendable, Equatable {
        /// Nil when the container has no layer of its own now.
        public var root: DiskUsage?
        public var logs: DiskUsage
    }

    public struct Volume: Sendable, Equatable {
        public var name: String
        /// The claim that it stands for, if it does.
        public var claim: String?
        public var usage: DiskUsage
        public var space: FileSystemSpace
    }

    public struct Statistics: Sendable {
        /// Seconds since 1970.
        public var time: Double
        /// By uid.
        public var pods: [String: Pod]
        /// The file system that holds the data directory, and images and logs with it.
        public var space: FileSystemSpace
        /// The images of the cluster's pods, as the engine counts them.
        public var imageBytes: Int64
        /// How many processes the machine may have.
        public var mostProcesses: Int64
    }

    private struct Known {
        var time: ContinuousClock.Instant
        var statistics: Statistics
    }

    private let engine: ContainerEngine
    private let workers: @Sendable (LogicalCluster) -> [PodWorker]
    private let gate = Gate(limit: 1)
    private let known = Mutex<[Int64: Known]>([:])

    private static let lifetime: Duration = .seconds(10)

    init(engine: ContainerEngine, workers: @escaping @Sendable (LogicalCluster) -> [PodWorker]) {
        self.engine = engine
        self.workers = workers
    }

    /// What a cluster's pods use now, or did a few seconds ago.
    /// - Throws: when cancelled.
    public func current(_ cluster: LogicalCluster) async throws -> Statistics {
        try await gate.pass {
            let now = ContinuousClock.now
            let found = known.withLock { known in
                known = known.filter { now - $0.value.time < Self.lifetime }
                return known[cluster.id]?.statistics
            }
            if let found { return found }
            let layers = engine.writableLayers()
            let images = try await images(cluster)
            let jobs = workers(cluster).compactMap { worker in
                worker.desired().map { Job(worker, $0, layers, engine) }
            }
            let directory = engine.options.dataDirectory
            let statistics = await DiskUsage.inBackground {
                Statistics(
                    time: Timestamp.seconds, pods: Dictionary(jobs.map { ($0.uid, $0.measure()) }) { _, last in last },
                    space: FileSystemSpace.of(directory), imageBytes: images,
                    mostProcesses: KernelCounters.number("/proc/sys/kernel/pid_max") ?? 0)
            }
            known.withLock { $0[cluster.id] = Known(time: now, statistics: statistics) }
            return statistics
        }
    }

    /// How large the images are together that a cluster's pods have. What others have is nothing that it should know.
    private func images(_ cluster: LogicalCluster) async throws -> Int64 {
        let wanted = Set(workers(cluster).flatMap { $0.desired()?.imageNames ?? [] })
        guard !wanted.isEmpty else { return 0 }
        return try await ImageStore(engine: engine).list()
            .filter { !wanted.isDisjoint(with: $0.names + $0.digests) }
            .reduce(0) { $0 &+ Int64(clamping: $1.size) }
    }

    /// All that counting takes, so that it can be done on another thread.
    private struct Job: Sendable {
        let uid: String
        let places: PodStorage.Places
        let claims: [String: String]
        /// Control groups of the pod's containers, and its own.
        let groups: [String]
        let group: String
        let hasNetwork: Bool

        init(_ worker: PodWorker, _ pod: KubeRuntime.Pod, _ layers: [String: String], _ engine: ContainerEngine) {
            uid = pod.uid
            places = worker.storagePlaces(pod, layers: layers)
            var claims: [String: String] = [:]
            for volume in pod.spec["volumes"]?.elements ?? [] {
                if let claim = ClaimVolumes.claimName(volume, of: pod) { claims[volume["name"]?.string ?? ""] = claim }
            }
            self.claims = claims
            let ids = (pod.status["containerStatuses"]?.elements ?? []).compactMap { $0["containerID"]?.string }
            groups = ids.map { engine.group(ofPod: pod.uid, container: String($0.drop { $0 != "/" }.dropFirst(2))) }
            group = worker.services.node.cgroup(podUID: pod.uid)
            hasNetwork = !pod.usesHostNetwork
        }

        func measure() -> NodeStatistics.Pod {
            let storage = places.measure()
            var pod = NodeStatistics.Pod(ephemeral: storage.ephemeral)
            for (name, container) in storage.containers {
                pod.containers[name] = Container(root: container.root, logs: container.logs)
            }
            for (name, usage) in storage.volumes.sorted(by: { $0.key < $1.key }) {
                let space = FileSystemSpace.of(places.volumes[name] ?? "")
                pod.volumes.append(Volume(name: name, claim: claims[name], usage: usage, space: space))
            }
            if hasNetwork, let process = groups.lazy.compactMap(KernelCounters.process(in:)).first {
                pod.interfaces = KernelCounters.interfaces(of: process)
            }
            pod.processes = KernelCounters.processes(in: group)
            return pod
        }
    }
}

/// How large a file system is, and how much is left of it.
public struct FileSystemSpace: Sendable, Equatable {
    public var capacity: Int64
    public var available: Int64
    public var inodes: Int64
    public var freeInodes: Int64

    public init(capacity: Int64 = 0, available: Int64 = 0, inodes: Int64 = 0, freeInodes: Int64 = 0) {
        self.capacity = capacity
        self.available = available
        self.inodes = inodes
        self.freeInodes = freeInodes
    }

    /// That of a path; zeroes when there is no such path.
    static func of(_ path: String) -> FileSystemSpace {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return FileSystemSpace() }
        let block = Int64(clamping: facts.f_frsize)
        return FileSystemSpace(
            capacity: Int64(clamping: facts.f_blocks) &* block, available: Int64(clamping: facts.f_bavail) &* block,
            inodes: Int64(clamping: facts.f_files), freeInodes: Int64(clamping: facts.f_ffree))
    }
}
