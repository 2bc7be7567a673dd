import KubeObject
public import KubeStore
public import Logging
public import ServiceLifecycle
import Synchronization

/// Runs all controllers for all clusters.
///
/// Changes come from the store's commits, pass one task that turns them into keys, and wait in each controller's queue for its
/// workers. At the start the clusters are visited one after another, and whatever is in them is treated as just come: so what a
/// crash interrupted is taken up again. A cluster in which nothing happens costs nothing after that.
///
/// Concurrency model: one task routes, one keeps the time, one writes events, and `concurrency` tasks a controller do the work. All end when
/// the service is shut down; a write that was begun is finished.
public final class ControllerManager: Service {
    private let store: Store
    private let writer: any ObjectWriter
    private let clock: ControllerClock
    private let rests: @Sendable (String) -> Bool
    private let logger: Logger
    private let timer: DelayTimer
    private let router: EventRouter
    private let inbox = CommitInbox()
    private let visited = Mutex(false)

    /// Where events about objects are reported.
    public let recorder: EventRecorder

    /// - Parameter rests: whether a cluster, by its name, sleeps.
    public init(
        store: Store, writer: any ObjectWriter, reconcilers: [any Reconciler], clock: ControllerClock = .system,
        rests: @escaping @Sendable (String) -> Bool = { _ in false }, logger: Logger
    ) {
        self.rests = rests
        let timer = DelayTimer(clock: clock)
        self.store = store
        self.writer = writer
        self.clock = clock
        self.logger = logger
        self.timer = timer
        router = EventRouter(reconcilers.map { .init(reconciler: $0, queue: WorkQueue(name: $0.name, timer: timer)) })
        recorder = EventRecorder(writer: writer, clock: clock, logger: logger)
        store.observe { [inbox] batch in inbox.put(batch) }
    }

    /// How many keys wait for a worker, by controller.
    public var queueLengths: [String: Int] {
        Dictionary(router.routes.map { ($0.queue.name, $0.queue.count) }, uniquingKeysWith: +)
    }

    /// Whether nothing is left to do now; what has a delay doesn't count.
    public var isIdle: Bool { inbox.isIdle && router.routes.allSatisfy { $0.queue.isIdle } && recorder.isIdle }

    /// Whether every cluster that was there at the start has been looked at.
    public var hasVisited: Bool { visited.withLock { $0 } }

    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.timer.run() }
            group.addTask { await self.recorder.run() }
            group.addTask { await self.routeCommits() }
            for route in router.routes {
                for _ in 0..<route.reconciler.concurrency { group.addTask { await self.work(route) } }
            }
            group.addTask { await self.visitClusters() }
            // The tasks run until they are cancelled; a graceful shutdown is nothing else.
            group.addTask { try? await gracefulShutdown() }
            for await _ in group where Task.isShuttingDownGracefully || Task.isCancelled { break }
            for route in router.routes { route.queue.close() }
            group.cancelAll()
        }
    }

    private func routeCommits() async {
        while true {
            let batches = await inbox.take()
            guard !batches.isEmpty else { return }
            for batch in batches { router.route(batch) }
        }
    }

    /// Takes up the work of clusters as an earlier process left it, a cluster at a time and no faster than the work is done: first
    /// those that have anything that changes by itself, then, at a walk, all others.
    private func visitClusters() async {
        let started = clock.uptime()
        do {
            var visited: Set<Int64> = []
            for prefix in activePrefixes {
                for info in try await store.clusters(owning: prefix) where visited.insert(info.id).inserted {
                    try await visit(info)
                }
            }
            let active = visited.count
            for info in store.clusters() where visited.insert(info.id).inserted {
                try await visit(info)
                try await clock.sleep(clock.uptime() + .milliseconds(2))
            }
            self.visited.withLock { $0 = true }
            logger.info(
                "visited every cluster for unfinished work",
                metadata: ["active": "\(active)", "clusters": "\(visited.count)", "duration": "\(clock.uptime() - started)"])
        } catch is CancellationError {
        } catch {
            logger.error("couldn't visit every cluster for unfinished work", metadata: ["error": "\(error)"])
        }
    }

    /// What every cluster has, so that having it says nothing about how much there is to do.
    private static let common: Set<String> = Set(
        [
            Resources.namespaces, Resources.serviceAccounts, Resources.configMaps, Resources.services, Resources.endpoints,
            Resources.endpointSlices, Resources.nodes, Resources.events, Resources.clusterRoles,
        ].map { Key.prefix($0) })

    /// What only clusters have in which something goes on: all that somebody watches, but for what every cluster has.
    private var activePrefixes: [String] {
        Set(router.routes.flatMap(\.reconciler.watched)).subtracting(Self.common).subtracting([""]).sorted()
    }

    private func visit(_ info: ClusterInfo) async throws {
        try Task.checkCancellation()
        guard let cluster = try await store.cluster(id: info.id) else { return }
        router.routeAll(of: cluster.snapshot, in: cluster)
        while router.routes.contains(where: { $0.queue.count > 500 }) {
            try await clock.sleep(clock.uptime() + .milliseconds(5))
        }
    }

    /// Looks at every cluster as at the start: because something outside of them has changed.
    public func revisitAll() async { await visitClusters() }

    private func work(_ route: EventRouter.Route) async {
        while let key = await route.queue.next() {
            await work(key, route)
            route.queue.done(key)
        }
    }

    /// Treats whatever is in a cluster as just come: because it has woken.
    public func revisit(_ cluster: LogicalCluster) { router.routeAll(of: cluster.snapshot, in: cluster) }

    private func work(_ key: QueueKey, _ route: EventRouter.Route) async {
        // When the cluster wakes, all that is in it is looked at again.
        if route.reconciler.restsWithCluster, rests(key.cluster.name) { return route.queue.forget(key) }
        do {
            guard let cluster = try await store.cluster(id: key.cluster.id), !cluster.isDeleted else {
                return route.queue.forget(key)
            }
            let work = Work(
                key: key, cluster: cluster, now: clock.now(), controller: route.reconciler.name, writer: writer,
                recorder: recorder)
            let outcome = try await route.reconciler.reconcile(work)
            route.queue.forget(key)
            for name in outcome.also {
                route.queue.add(QueueKey(cluster: key.cluster, namespace: name.namespace, name: name.name))
            }
            if let delay = outcome.after { route.queue.add(key, after: delay) }
        } catch is CancellationError {
        } catch StoreError.noSuchCluster, StoreError.closed {
            route.queue.forget(key)
        } catch let error as StatusError where error.isNamespaceTerminating {
            route.queue.forget(key)
        } catch {
            let delay = route.queue.addAfterFailure(key)
            let isCommon = (error as? StatusError)?.isConflict ?? false
            logger.log(
                level: isCommon ? .debug : .warning, "work on an object failed and is tried again",
                metadata: [
                    "controller": "\(route.reconciler.name)", "cluster": "\(key.cluster.name)", "namespace": "\(key.namespace)",
                    "name": "\(key.name)", "error": "\(error)", "after": "\(delay)",
                ])
        }
    }
}
