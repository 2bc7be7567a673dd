public import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeSchema
public import KubeStore
public import Logging
public import ServiceLifecycle
import Synchronization

/// Knows which clusters sleep, hears who uses them, and wakes them.
///
/// Whether a cluster sleeps is said by its virtual cluster's condition `Awake`, and nowhere else: this reads it from the root cluster's
/// commits, so that it is known before anybody who wrote it is answered, and found again when the server starts. Who runs pods asks
/// ``isAsleep(_:)`` and is told of changes.
///
/// Concurrency: any task may call any function. One task (`run`) does what takes time, each wake in a child task of its own.
public final class SleepKeeper: ClusterAttendant, Service {
    /// What is done elsewhere when a cluster has fallen asleep or woken; also called for those that sleep when the server starts.
    public typealias Effect = @Sendable (_ cluster: LogicalCluster, _ isAsleep: Bool) async -> Void
    /// When somebody outside last connected to a cluster's pods, in seconds since 1970, and how many connections there are.
    public typealias Connections = @Sendable (_ cluster: LogicalCluster) async -> (last: Double?, open: Int)

    /// Reports an event about a virtual cluster: reason and message.
    public typealias Reporter = @Sendable (_ object: Object, _ reason: String, _ message: String) -> Void

    private enum Order: Sendable {
        case changed(Object)
        case wake(String)
        case paused(String)
    }

    /// Why a cluster's pods are at rest whose volumes aren't in their place yet.
    private static let arrival = "arrival"

    /// How often last uses are written down, at most.
    static let noteInterval: Duration = .seconds(300)

    let book = UseBook()
    let metrics = WakeMetrics()
    private let resource: ResourceType
    private let store: Store
    private let logger: Logger
    private let orders: AsyncStream<Order>
    private let order: AsyncStream<Order>.Continuation
    private let wiring = Mutex(Wiring())

    private struct Wiring {
        var registry: Registry?
        var effects: [Effect] = []
        var connections: Connections?
        var reporter: Reporter?
    }

    private static let prefix = Key.prefix(
        group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)
    /// Under which name it writes and reports.
    public static let name = "sleep-controller"

    /// - Parameter resource: `virtualclusters`, as the root cluster's schema has it.
    public init(resource: ResourceType, store: Store, logger: Logger) {
        self.resource = resource
        self.store = store
        self.logger = logger
        (orders, order) = AsyncStream.makeStream()
    }

    /// Says where the virtual clusters are, and by what they are written: before anything runs pods.
    public func attach(_ root: LogicalCluster, by registry: Registry) {
        wiring.withLock { $0.registry = registry }
        store.observe { [self] batch in note(batch) }
        for object in root.snapshot.list(prefix: Self.prefix) {
            if !SleepState(object.tree).isAwake { _ = book.set(Self.logical(object.metadata), isAsleep: true) }
            if ArchivedArrivals.volumes(of: object.tree) != nil {
                _ = book.set(Self.logical(object.metadata), isPaused: true, for: Self.arrival)
            }
        }
    }

    /// Adds something that is to be done when a cluster falls asleep or wakes. It may not block.
    public func whenChanged(_ effect: @escaping Effect) { wiring.withLock { $0.effects.append(effect) } }

    /// Says who writes events.
    public func report(by reporter: @escaping Reporter) { wiring.withLock { $0.reporter = reporter } }

    /// Says who knows of connections from outside.
    public func ask(connections: @escaping Connections) { wiring.withLock { $0.connections = connections } }

    /// Whether the pods of a cluster, by its name, are not to run.
    public func isAsleep(_ name: String) -> Bool { book.isAsleep(name) }

    /// What is counted, in Prometheus' text format.
    public var metricsText: String { metrics.text(asleep: book.asleep.count) }

    static func logical(_ metadata: Metadata) -> String {
        ClusterName.logical(namespace: metadata.namespace, name: metadata.name)
    }

    /// On the writer's thread.
    private func note(_ batch: CommitBatch) {
        guard batch.cluster.name == Platform.rootCluster else { return }
        for event in batch.events where event.key.text.hasPrefix(Self.prefix) {
            let name = Self.logical(event.object.metadata)
            if event.type == .deleted {
                book.forget(name)
                continue
            }
            let isPaused = ArchivedArrivals.volumes(of: event.object.tree) != nil
            if book.set(name, isPaused: isPaused, for: Self.arrival) { order.yield(.paused(name)) }
            if book.set(name, isAsleep: !SleepState(event.object.tree).isAwake) {
                order.yield(.changed(event.object))
            }
        }
    }

    // MARK: Pauses

    /// Keeps a cluster's pods at rest until ``resume(_:from:)``, whether it sleeps or not. Who needs them is held meanwhile.
    func pause(_ name: String, for reason: String) {
        if book.set(name, isPaused: true, for: reason) { order.yield(.paused(name)) }
    }

    func resume(_ name: String, from reason: String) {
        if book.set(name, isPaused: false, for: reason) { order.yield(.paused(name)) }
    }

    // MARK: Use

    /// When a virtual cluster was last used: as is remembered, or else as was written down.
    func lastUse(of cluster: Object) -> UseBook.Use? {
        let written = (cluster.tree[path: "status", "lastUsedTime"]?.string).flatMap { Timestamp.parse($0) }.map {
            UseBook.Use(time: $0, text: cluster.tree[path: "status", "lastUse"]?.string ?? "")
        }
        guard let known = book.last(of: Self.logical(cluster.metadata)), known.time > written?.time ?? 0 else { return written }
        return known
    }

    public func note(_ use: ClusterUse, of cluster: LogicalCluster) -> (any AnyObject & Sendable)? {
        guard cluster.name != Platform.rootCluster else { return nil }
        let (open, mustWake) = book.begin(use, of: cluster.name)
        if mustWake { order.yield(.wake(cluster.name)) }
        return open
    }

    public func isAsleep(_ cluster: LogicalCluster) -> Bool { book.isAsleep(cluster.name) }

    public func refusal(of cluster: LogicalCluster) -> String? { book.refusal(of: cluster.name) }

    public func patience(with cluster: LogicalCluster) -> ContinuousClock.Instant? { book.patience(with: cluster.name) }

    /// Wakes a cluster for a reason that is nobody's use; nothing happens to one that is awake.
    func wake(_ name: String, _ use: ClusterUse) {
        if book.isAsleep(name), book.beginWake(name, use) { order.yield(.wake(name)) }
    }

    /// Brings the book up to date with the connections from outside, which nobody tells of.
    ///
    /// - Returns: how many there are now.
    func lookForConnections(to cluster: LogicalCluster) async -> Int {
        guard let connections = wiring.withLock({ $0.connections }) else { return 0 }
        let (last, open) = await connections(cluster)
        if open > 0 {
            book.note(.init(time: Timestamp.seconds, text: "connections from outside"), of: cluster.name)
        } else if let last {
            book.note(.init(time: last, text: "a connection from outside"), of: cluster.name)
        }
        return open
    }

    // MARK: Work

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        do { try await Task.sleep(for: Self.noteInterval) } catch { break }
                        await self.writeLastUses()
                    }
                }
                for name in self.book.asleep.sorted() { await self.tell(name) }
                for await order in self.orders {
                    switch order {
                    case .changed(let object):
                        self.report(object)
                        await self.tell(Self.logical(object.metadata))
                    case .paused(let name): await self.tell(name)
                    case .wake(let name): group.addTask { await self.wake(name) }
                    }
                }
                group.cancelAll()
            }
        }
        await writeLastUses()
    }

    private func report(_ object: Object) {
        let state = SleepState(object.tree)
        wiring.withLock { $0.reporter }?(
            object, state.isAwake ? "Awake" : "Asleep",
            state.isAwake ? "The cluster has been woken: \(state.message)" : "The cluster has fallen asleep: \(state.message)")
    }

    /// Tells of a cluster's state as it is by now.
    private func tell(_ name: String) async {
        do {
            guard let cluster = try await store.cluster(name) else { return }
            let isAsleep = book.isAsleep(name)
            for effect in wiring.withLock({ $0.effects }) { await effect(cluster, isAsleep) }
        } catch {
            logger.warning(
                "a cluster that fell asleep or woke can't be loaded", metadata: ["cluster": "\(name)", "error": "\(error)"])
        }
    }

    private func wake(_ name: String) async {
        guard let wake = book.wake(of: name) else { return }
        defer { book.endWake(name, wake) }
        do {
            try await setAwake(name, wake.use)
            guard let cluster = try await store.cluster(name) else { return }
            let end = wake.start + UseBook.patience
            let isUp = await ClusterPods.untilUp(cluster, end: end)
            guard book.endWake(name, wake), !Task.isCancelled else { return }
            let duration = wake.start.duration(to: .now)
            metrics.took(
                isUp ? Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18 : .infinity)
            logger.info(
                isUp ? "a cluster is awake" : "a cluster woke, but not all of its pods are ready",
                metadata: ["cluster": "\(name)", "after": "\(duration)"])
        } catch let error as StatusError where error.code == 404 {
            // It was deleted meanwhile.
        } catch let error as StatusError where error.code == 403 {
            book.endWake(name, wake, refusal: error.message)
            logger.info("a cluster isn't woken", metadata: ["cluster": "\(name)", "because": "\(error.message)"])
            await reportRefusal(name, error.message)
        } catch {
            logger.warning("a cluster can't be woken", metadata: ["cluster": "\(name)", "error": "\(error)"])
        }
    }

    private func reportRefusal(_ name: String, _ why: String) async {
        do {
            let (namespace, own) = ClusterName.parts(of: name)
            let key = Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: own)
            guard let object = try await store.cluster(Platform.rootCluster)?.snapshot.get(key) else { return }
            wiring.withLock { $0.reporter }?(object, "NotWoken", "The cluster is needed, but can't be woken: \(why)")
        } catch {
            logger.debug("an event can't be written", metadata: ["cluster": "\(name)", "error": "\(error)"])
        }
    }

    private func setAwake(_ name: String, _ use: ClusterUse) async throws(StatusError) {
        let reason = use.kind == .command ? "Requested" : use.kind == .schedule ? "Schedule" : "Needed"
        let state = SleepState(isAwake: true, since: Timestamp.seconds, reason: reason, message: use.text)
        var wasAsleep = false
        try await write(name) { tree in
            wasAsleep = !SleepState(tree).isAwake
            guard wasAsleep else { return }
            var status = tree["status"] ?? [:]
            state.write(to: &status)
            tree["status"] = status
        }
        guard wasAsleep else { return }
        metrics.woke(use.kind.rawValue)
        logger.info("a cluster wakes", metadata: ["cluster": "\(name)", "because of": "\(use.text)"])
    }

    /// Changes the virtual cluster of a logical one.
    private func write(_ name: String, _ change: (inout JSON) throws(StatusError) -> Void) async throws(StatusError) {
        guard let registry = wiring.withLock({ $0.registry }) else { return }
        let root: LogicalCluster?
        do { root = try await store.cluster(Platform.rootCluster) } catch {
            throw .internalError("loading the root cluster: \(error)")
        }
        guard let root else { return }
        let (namespace, own) = ClusterName.parts(of: name)
        try await registry.mutate(
            resource, namespace: namespace, name: own, subresource: "status", .controller(Self.name, in: root), change)
    }

    // MARK: Commands

    /// Has a cluster fall asleep, unless somebody has used it since that was decided.
    ///
    /// - Parameter decided: in seconds since 1970.
    func fallAsleep(_ name: String, _ reason: SleepPlan.Reason, decided: Double) async throws(StatusError) {
        let message: String
        switch reason {
        case .idle: message = "nobody used it for as long as its spec.sleep.afterIdle says"
        case .schedule: message = "a night of its spec.sleep.schedule has begun, and nobody uses it"
        }
        let state = SleepState(isAwake: false, since: Timestamp.seconds, reason: reason.rawValue, message: message)
        var isNew = false
        try await write(name) { tree in
            isNew = SleepState(tree).isAwake && book.last(of: name)?.time ?? 0 <= decided
            guard isNew else { return }
            var status = tree["status"] ?? [:]
            state.write(to: &status)
            tree["status"] = status
        }
        guard isNew else { return }
        metrics.slept(reason.rawValue)
        logger.info("a cluster falls asleep", metadata: ["cluster": "\(name)", "because": "\(message)"])
        // Who came while that was written found it awake, and so didn't wake it.
        if let use = book.last(of: name), use.time > decided { wake(name, ClusterUse(.write, use.text)) }
    }

    /// Puts a cluster to sleep because somebody says so, whatever it is doing.
    ///
    /// - Returns: whether it was awake.
    func sleep(_ name: String, message: String) async throws(StatusError) -> Bool {
        var wasAwake = false
        let state = SleepState(isAwake: false, since: Timestamp.seconds, reason: "Requested", message: message)
        try await write(name) { tree in
            wasAwake = SleepState(tree).isAwake
            guard wasAwake else { return }
            var status = tree["status"] ?? [:]
            state.write(to: &status)
            tree["status"] = status
        }
        if wasAwake { metrics.slept("Requested") }
        return wasAwake
    }

    /// Wakes a cluster because somebody says so; it is said to be awake when this returns, and its pods start.
    func wakeNow(_ name: String, message: String) async throws(StatusError) {
        let use = ClusterUse(.command, message)
        if book.beginWake(name, use) { order.yield(.wake(name)) }
        try await setAwake(name, use)
    }

    /// Writes down when clusters were last used, so that a restart doesn't forget it.
    func writeLastUses() async {
        for (name, use) in book.takeUnwritten() where use.time > 0 {
            do {
                try await write(name) { tree in
                    let known = (tree[path: "status", "lastUsedTime"]?.string).flatMap { Timestamp.parse($0) } ?? 0
                    guard use.time > known, tree["status"] != nil else { return }
                    tree[path: "status", "lastUsedTime"] = .string(Timestamp.format(use.time))
                    tree[path: "status", "lastUse"] = .string(String(use.text.prefix(1024)))
                }
            } catch {
                // Only a note; the next use makes the next one.
                logger.debug("a last use can't be noted", metadata: ["cluster": "\(name)", "error": "\(error)"])
            }
        }
    }
}
