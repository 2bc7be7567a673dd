internal import GRPCCore
public import KubeObject
public import KubeRegistry
public import KubeStore
public import Logging
public import ServiceLifecycle
internal import SwiftProtobuf
import Synchronization

/// Runs the pods that are bound to this node, of all clusters, as containers of the instance's own containerd.
///
/// When the service ends, containers go on; when it starts again, it finds them by their labels and takes them over as they are.
/// Concurrency: `run` owns everything. Commits come in through a queue that never blocks the store's writer; every pod has one
/// worker task; the engine's exit events wake exactly the worker concerned.
public final class LocalRuntime: Service {
    public let engine: ContainerEngine
    public let node: LocalNode
    /// The volumes on this machine.
    public let volumes: LocalVolumes
    /// What the containers use.
    public let metrics: RuntimeMetrics
    /// What pods have used by now, whole and those that ended.
    public let uses: PodUses
    /// What pods use beside that.
    public var statistics: NodeStatistics {
        statisticsOnce.withLock { known in
            if let known { return known }
            let made = NodeStatistics(engine: engine) { [weak self] cluster in
                self?.workers.withLock { workers in workers.values.filter { $0.cluster.id == cluster.id } } ?? []
            }
            known = made
            return made
        }
    }
    private let statisticsOnce = Mutex<NodeStatistics?>(nil)
    private let registry: Registry
    private let addresses: PodAddressBook
    private let network: (any PodNetworkObserver)?
    private let admission: PodAdmission
    private let resizeAdmission: PodAdmission
    private let rests: @Sendable (String) -> Bool
    private let logger: Logger
    private let occasions: AsyncStream<Occasion>
    private let occasion: AsyncStream<Occasion>.Continuation
    /// The clusters of which pods are at rest here, without a worker.
    private let parked = Mutex<Set<Int64>>([])
    private let workers = Mutex<[String: PodWorker]>([:])
    /// What the node has promised to pods, by their uids. Held while one is judged, so that no two get the same room.
    private let promises = Mutex<Promises>(Promises())

    private struct Promises {
        var admitted: Set<String> = []
        /// As they were when their last resize was accepted.
        var resized: [String: JSON] = [:]

        mutating func forget(_ uid: String) {
            admitted.remove(uid)
            resized[uid] = nil
        }
    }

    /// What nodes say of pressure; nil until pods run.
    private let pressureMarks = Mutex<PressureMarks?>(nil)

    /// Commands whose clients have gone.
    private let abandoned: AsyncStream<ExecSession>
    private let abandonment: AsyncStream<ExecSession>.Continuation

    /// - Parameters:
    ///   - network: told of every pod before its first container starts.
    ///   - admission: asked about every pod before that.
    ///   - resizeAdmission: asked whether a running pod can have what its spec says by now; the reason is `Infeasible` or `Deferred`.
    ///   - rests: whether the pods of a cluster, by its name, are not to run now; see ``reconsider(_:)``.
    public init(
        engine: ContainerEngine, options: RuntimeOptions, registry: Registry, addresses: PodAddressBook,
        network: (any PodNetworkObserver)? = nil, admission: @escaping PodAdmission = { _, _, _, _ in nil },
        resizeAdmission: @escaping PodAdmission = { _, _, _, _ in nil },
        rests: @escaping @Sendable (String) -> Bool = { _ in false }, logger: Logger
    ) {
        self.admission = admission
        self.resizeAdmission = resizeAdmission
        self.rests = rests
        self.engine = engine
        self.registry = registry
        self.addresses = addresses
        self.network = network
        self.logger = logger
        node = LocalNode(options: options, engine: engine)
        metrics = RuntimeMetrics(engine: engine)
        uses = PodUses(engine: engine)
        volumes = LocalVolumes(dataDirectory: engine.options.dataDirectory, logger: logger)
        (abandoned, abandonment) = AsyncStream.makeStream()
        let (occasions, input) = AsyncStream<Occasion>.makeStream()
        self.occasions = occasions
        occasion = input
        registry.store.observe { batch in
            if batch.lifecycle == .deleted || batch.events.contains(where: { Self.isRelevant($0.key) }) {
                input.yield(.commit(batch))
            }
        }
    }

    private enum Occasion: Sendable {
        case commit(CommitBatch)
        case reconsider(LogicalCluster)
    }

    /// Looks at all pods of a cluster again, because it has fallen asleep or woken. Returns at once.
    public func reconsider(_ cluster: LogicalCluster) { occasion.yield(.reconsider(cluster)) }

    /// Starts the engine if need be and runs pods until cancelled or shut down.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.engine.runConnections() }
                try await self.engine.start()
                group.addTask { try await self.engine.supervise() }
                try await self.runPods()
                group.cancelAll()
            }
        }
    }

    private func runPods() async throws {
        let events = EventRecorder(registry: registry, logger: logger)
        let services = PodServices(
            engine: engine, node: node.context(), registry: registry, events: events, network: network, addresses: addresses,
            volumes: volumes, userRanges: UserRanges(directory: engine.paths.pods), uses: uses,
            gate: Gate(limit: 8), owners: ContainerOwners(), resizeAdmission: { [self] in judgeResize($0, $1) }, rests: rests,
            logger: logger)
        let marks = PressureMarks(
            registry: registry, names: node.names, events: events, dataDirectory: engine.options.dataDirectory, logger: logger)
        pressureMarks.withLock { $0 = marks }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await events.run() }
            group.addTask { try await EngineEvents(services: services).run() }
            group.addTask { try await self.relist(services) }
            group.addTask { for await session in self.abandoned { await session.kill() } }
            group.addTask {
                await StorageEviction(workers: { self.workers.withLock { Array($0.values) } }, engine: self.engine).run()
            }
            group.addTask {
                await PressureEviction(
                    workers: { self.workers.withLock { Array($0.values) } }, engine: self.engine, metrics: self.metrics,
                    marks: marks,
                    events: events, settings: self.node.options.eviction, logger: self.logger
                ).run()
            }
            group.addTask {
                await LogRotation(paths: self.engine.paths, client: self.engine.client, logger: self.logger).run()
            }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { pods in
                    try await self.adopt(services, &pods)
                    for await occasion in self.occasions {
                        switch occasion {
                        case .commit(let batch):
                            if batch.lifecycle != .deleted, marks.mustTell(batch.cluster) {
                                pods.addTask { await marks.tell(batch.cluster) }
                            }
                            self.handle(batch, services, &pods)
                        case .reconsider(let cluster): self.considerAll(of: cluster, services, &pods)
                        }
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    // MARK: Which pods

    /// Starts a worker for every pod that is bound here, and for every sandbox whose pod is gone.
    private func adopt(_ services: PodServices, _ pods: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        let sandboxes = try await engine.client.runtime.listPodSandbox(CRIListPodSandboxRequest(), options: .within(.seconds(30)))
        var known = Set(sandboxes.items.compactMap { $0.labels[PodLabels.podUID] })
        for info in try await registry.store.clusters(owning: Key.prefix(group: "core", plural: "pods")) {
            guard let cluster = try await registry.store.cluster(id: info.id) else { continue }
            considerAll(of: cluster, services, &pods)
            known.formUnion(cluster.snapshot.list(prefix: Key.prefix(group: "core", plural: "pods")).map(\.metadata.uid))
        }
        var orphans = 0
        for sandbox in sandboxes.items {
            let labels = sandbox.labels
            guard let uid = labels[PodLabels.podUID], workers.withLock({ $0[uid] }) == nil else { continue }
            let id = Int64(labels[PodLabels.cluster] ?? "") ?? 0
            let cluster = try await registry.store.cluster(id: id)
            if sandbox.state != .sandboxReady, let cluster, isParked(labels, in: cluster) {
                _ = parked.withLock { $0.insert(id) }
                continue
            }
            orphans += 1
            if let cluster {
                spawn(
                    cluster: cluster, namespace: labels[PodLabels.podNamespace] ?? "", name: labels[PodLabels.podName] ?? "",
                    uid: uid, services,
                    &pods)
            } else {
                await removeOrphan(sandbox.id, uid: uid, labels: labels, services)
            }
        }
        pods.addTask { [registry, volumes] in
            await volumes.deleteAll { registry.store.keeps(id: $0) }
        }
        await removeRemains(exceptOf: known, services)
        let count = workers.withLock { $0.count }
        logger.info("node is ready", metadata: ["node": "\(node.names.first)", "pods": "\(count)", "leftover": "\(orphans)"])
    }

    /// Whether what is here of a pod is what a sleeping cluster's pod leaves.
    private func isParked(_ labels: [String: String], in cluster: LogicalCluster) -> Bool {
        let key = Key(
            group: "core", plural: "pods", namespace: labels[PodLabels.podNamespace] ?? "",
            name: labels[PodLabels.podName] ?? "")
        guard rests(cluster.name), let object = cluster.snapshot.get(key) else { return false }
        return object.metadata.uid == labels[PodLabels.podUID] && object.metadata.deletionTimestamp == nil
            && Pod.isAsleep(object.tree["status"])
    }

    /// What pods at rest have left of a cluster that was deleted.
    private func removeParked(of cluster: Int64, _ services: PodServices) async {
        do {
            let left = try await engine.client.runtime.listPodSandbox(
                .with { $0.filter.labelSelector = [PodLabels.cluster: "\(cluster)"] }, options: .within(.seconds(30)))
            for sandbox in left.items {
                let uid = sandbox.labels[PodLabels.podUID] ?? ""
                guard workers.withLock({ $0[uid] }) == nil else { continue }
                await removeOrphan(sandbox.id, uid: uid, labels: sandbox.labels, services)
            }
        } catch {
            logger.warning(
                "pods of a deleted cluster are removed at the next start",
                metadata: ["cluster": "\(cluster)", "error": "\(error)"])
        }
        await removeVolumes(of: cluster)
    }

    /// Whether there are pods of a cluster that aren't through with their end, or run.
    public func hasPods(of cluster: Int64) -> Bool { workers.withLock { $0.values.contains { $0.cluster.id == cluster } } }

    /// Whether nothing of a cluster whose pods are not to run (`rests`) writes any more: each pod is over, or at rest, and no container of one that is
    /// gone is still ending.
    public func isAtRest(_ cluster: LogicalCluster) -> Bool {
        guard rests(cluster.name) else { return false }
        let snapshot = cluster.snapshot
        var over: Set<String> = []
        for object in snapshot.list(prefix: Key.prefix(group: "core", plural: "pods")) {
            let tree = object.tree
            if ["Succeeded", "Failed"].contains(tree[path: "status", "phase"]?.string) {
                over.insert(object.metadata.uid)
            } else if node.names.contains(tree[path: "spec", "nodeName"]?.string ?? "") {
                guard Pod.isAsleep(tree["status"]) else { return false }
            }
        }
        return workers.withLock { workers in
            workers.allSatisfy { uid, worker in worker.cluster.id != cluster.id || over.contains(uid) }
        }
    }

    /// Removes the volumes of a cluster that is gone for good; its last pod does when there are some yet.
    public func removeVolumes(of cluster: Int64) async {
        guard !registry.store.keeps(id: cluster), !hasPods(of: cluster) else { return }
        await volumes.deleteAll(of: cluster)
    }

    /// A pod whose whole cluster is gone.
    private func removeOrphan(_ id: String, uid: String, labels: [String: String], _ services: PodServices) async {
        do {
            try await engine.client.removeSandbox(id)
            let files = PodFiles(
                engine.paths, namespace: labels[PodLabels.podNamespace] ?? "", name: labels[PodLabels.podName] ?? "", uid: uid)
            Mounts.unmountAll(below: files.directory)
            File.removeTree(files.directory)
            File.removeTree(files.logs)
            if let cluster = Int64(labels[PodLabels.cluster] ?? "") { uses.noteEnd(ofPod: uid, cluster: cluster) }
            try await services.node.removeCgroup(podUID: uid)
            Healings.process.note(.containers)
        } catch {
            logger.warning("a leftover pod could not be removed", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        }
    }

    /// What a kill between a sandbox's end and its pod's has left: files and control groups of pods that are nobody's any more.
    private func removeRemains(exceptOf known: Set<String>, _ services: PodServices) async {
        for uid in engine.podsWithRemains().subtracting(known) where workers.withLock({ $0[uid] == nil }) {
            do {
                try await engine.removeRemains(ofPod: uid) { try await services.node.removeCgroup(podUID: uid) }
                Healings.process.note(.podFiles)
                logger.info("removed what was left of a pod", metadata: ["uid": "\(uid)"])
            } catch {
                logger.warning("what is left of a pod could not be removed", metadata: ["uid": "\(uid)", "error": "\(error)"])
            }
        }
    }

    private static func isRelevant(_ key: Key) -> Bool {
        let text = key.text
        return text.hasPrefix("core/pods/") || text.hasPrefix("core/configmaps/") || text.hasPrefix("core/secrets/")
            || text.hasPrefix("core/nodes/")
    }

    private func handle(_ batch: CommitBatch, _ services: PodServices, _ pods: inout ThrowingDiscardingTaskGroup<any Error>) {
        if batch.lifecycle == .deleted {
            let concerned = workers.withLock { $0.values.filter { $0.cluster.id == batch.cluster.id } }
            for worker in concerned { worker.post(.look) }
            if parked.withLock({ $0.remove(batch.cluster.id) }) != nil {
                pods.addTask { await self.removeParked(of: batch.cluster.id, services) }
                return
            }
            // The last of its pods takes the volumes along.
            if concerned.isEmpty { pods.addTask { await self.removeVolumes(of: batch.cluster.id) } }
            return
        }
        for event in batch.events {
            switch event.key.plural {
            case "pods":
                consider(event.object, isDeleted: event.type == .deleted, batch.cluster, services, &pods)
            case "configmaps", "secrets":
                let (kind, namespace, name) = (event.key.plural, event.key.namespace, event.key.name)
                let concerned = workers.withLock {
                    $0.values.filter { $0.cluster.id == batch.cluster.id && $0.namespace == namespace }
                }
                for worker in concerned { worker.post(.refresh(kind: kind, name: name)) }
            default: continue
            }
        }
    }

    private func considerAll(
        of cluster: LogicalCluster, _ services: PodServices, _ pods: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        if !rests(cluster.name) { _ = parked.withLock { $0.remove(cluster.id) } }
        for object in cluster.snapshot.list(prefix: Key.prefix(group: "core", plural: "pods")) {
            consider(object, isDeleted: false, cluster, services, &pods)
        }
    }

    private func consider(
        _ object: Object, isDeleted: Bool, _ cluster: LogicalCluster, _ services: PodServices,
        _ pods: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        let metadata = object.metadata
        // Told under the lock: a worker that comes to rest looks there whether it was told something.
        let isKnown = workers.withLock { workers in
            workers[metadata.uid]?.post(.look)
            return workers[metadata.uid] != nil
        }
        if isKnown { return }
        guard let home = object.tree[path: "spec", "nodeName"]?.string, node.names.contains(home) else { return }
        // One that is over for good, and has nothing here, needs no worker.
        let phase = object.tree[path: "status", "phase"]?.string
        let isOver = (phase == "Succeeded" || phase == "Failed") && metadata.deletionTimestamp == nil
        let files = PodFiles(engine.paths, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid)
        if (isOver || isDeleted) && !File.exists(files.directory) { return }
        if !isDeleted, metadata.deletionTimestamp == nil, rests(cluster.name), Pod.isAsleep(object.tree["status"]) { return }
        spawn(
            cluster: cluster, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid,
            rejection: judge(object, cluster), services, &pods)
    }

    /// Why a pod comes to its end before it begins.
    private func judge(_ object: Object, _ cluster: LogicalCluster) -> PodRejection? {
        let pod = Pod(object)
        guard pod.startTime == nil, !pod.isTerminal, !pod.isBeingDeleted else { return nil }
        let present = pressureMarks.withLock { $0?.present } ?? []
        if let rejection = PressureCondition.rejection(of: pod, under: present) { return rejection }
        if let rejection = AppArmor.rejection(of: pod, isEnforced: engine.machine.enforcesAppArmor) { return rejection }
        return promises.withLock { promises in
            let rejection = admission(
                object, cluster.snapshot, { promises.admitted.contains($0) || hasWorker($0) }, { promises.resized[$0] })
            if rejection == nil { promises.admitted.insert(pod.uid) }
            return rejection
        }
    }

    private func hasWorker(_ uid: String) -> Bool { workers.withLock { $0[uid].map { $0.rejection == nil } ?? false } }

    /// Why a running pod can't have what its spec says by now.
    private func judgeResize(_ object: Object, _ cluster: LogicalCluster) -> PodRejection? {
        promises.withLock { promises in
            let rejection = resizeAdmission(
                object, cluster.snapshot, { promises.admitted.contains($0) || hasWorker($0) }, { promises.resized[$0] })
            if rejection == nil { promises.resized[object.metadata.uid] = object.tree }
            return rejection
        }
    }

    private func spawn(
        cluster: LogicalCluster, namespace: String, name: String, uid: String, rejection: PodRejection? = nil,
        _ services: PodServices, _ pods: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        let worker = PodWorker(
            cluster: cluster, namespace: namespace, name: name, uid: uid, rejection: rejection, services: services)
        workers.withLock { $0[uid] = worker }
        pods.addTask {
            var isLast = false
            repeat {
                let isParked = await worker.run()
                if isParked { _ = self.parked.withLock { $0.insert(cluster.id) } }
                let isOver = self.workers.withLock { workers in
                    if isParked, worker.hasMessages { return false }
                    workers[uid] = nil
                    isLast = !workers.values.contains { $0.cluster.id == cluster.id }
                    return true
                }
                if isOver { break }
            } while !Task.isCancelled
            self.promises.withLock { $0.forget(uid) }
            if isLast, cluster.isDeleted { await self.removeVolumes(of: cluster.id) }
        }
    }

    /// Has a command ended whose client is gone. The caller's task may be cancelled, so it can't do that itself.
    func abandon(_ session: ExecSession) { abandonment.yield(session) }

    func isWorkerFallingAsleep(_ uid: String) -> Bool { workers.withLock { $0[uid] }?.isFallingAsleep ?? false }

    // MARK: What the engine does by itself

    /// Once a second, while there are pods: a cheap look at all states, for what no event told us (nobody listened yet, containerd was away,
    /// an event lost).
    private func relist(_ services: PodServices) async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            if workers.withLock({ $0.isEmpty }) { continue }
            do {
                let containers = try await engine.client.runtime.listContainers(
                    .with { $0.filter.state.state = .containerRunning }, options: .within(.seconds(10)))
                let sandboxes = try await engine.client.runtime.listPodSandbox(
                    .with { $0.filter.state.state = .sandboxReady }, options: .within(.seconds(10)))
                let running = Set(containers.containers.map(\.id) + sandboxes.items.map(\.id))
                for worker in services.owners.mistaken(by: running) { worker.post(.observe) }
            } catch {
                try Task.checkCancellation()
                logger.debug("containerd doesn't answer", metadata: ["error": "\(error)"])
            }
        }
    }
}
