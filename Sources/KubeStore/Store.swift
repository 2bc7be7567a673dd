import Dispatch
import Foundation
public import KubeObject
public import Logging
public import ServiceLifecycle
import Synchronization

/// All logical clusters of a server and their one writer.
///
/// What is acknowledged is durable, what is visible is durable, and revisions never go back. Opening starts the writer's
/// thread; `run` only does the housekeeping (letting go of idle clusters and old events) and closes the store at shutdown.
public final class Store: Service {
    let engine: any StoreEngine
    let queue: CommitQueue
    let directory: ClusterDirectory
    let catalog: BaseCatalog
    private let writer: Writer
    let options: StoreOptions
    private let clock: any Clock<Duration>
    let logger: Logger
    private let lock: DirectoryLock?
    private let closing = Mutex(Closing())

    private struct Closing {
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Opens the store in a directory, which is made when there is none.
    ///
    /// - Throws: `.unavailable` when another process uses the directory or its content can't be read, `.diskFull`.
    public static func open(
        directory: String, options: StoreOptions = StoreOptions(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger
    ) throws(StoreError) -> Store {
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .unavailable("making the directory \(directory): \(error.localizedDescription)")
        }
        let lock = try DirectoryLock(directory: directory)
        let engine = try SQLiteEngine(directory: directory, maximumPages: options.maximumPages)
        return try Store(engine: engine, lock: lock, options: options, clock: clock, logger: logger)
    }

    /// Puts a new key in front of those that the clusters' keys are wrapped with. It is used from the next opening on.
    ///
    /// - Parameter clusterKeys: whether every cluster then gets a fresh key of its own too, with which its data is encrypted again.
    /// - Throws: `.unavailable` when a process uses the directory, or it has no keys.
    public static func rotateKeys(directory: String, clusterKeys: Bool = false) throws(StoreError) {
        let lock = try DirectoryLock(directory: directory)
        defer { lock.release() }
        try PlatformKeys.rotate(directory: directory, clusterKeys: clusterKeys)
    }

    init(
        engine: any StoreEngine, lock: DirectoryLock?, options: StoreOptions, clock: any Clock<Duration>, logger: Logger
    ) throws(StoreError) {
        let contents = try engine.contents()
        self.engine = engine
        self.lock = lock
        self.options = options
        self.clock = clock
        self.logger = logger
        queue = CommitQueue(limit: Weight(writes: options.queuedWrites, bytes: options.queuedBytes))
        directory = ClusterDirectory(clusters: contents.clusters, retired: contents.retired, options: options)
        catalog = BaseCatalog(contents.bases)
        writer = Writer(
            engine: engine, queue: queue, directory: directory, catalog: catalog, options: options, logger: logger)
        writer.start(nextCluster: contents.nextCluster, hasGarbage: contents.hasGarbage) { [self] in finishClosing() }
    }

    /// Creates a cluster with its first objects and its private record, all or nothing. Durable when it returns.
    ///
    /// Many restored objects are written in several transactions, so that others needn't wait; nobody sees the cluster before the last.
    ///
    /// - Parameters:
    ///   - base: what the cluster starts from; shared, and stored once for all clusters.
    ///   - restored: what the cluster has instead of the base's objects: what another cluster had, with its revisions.
    ///   - writes: applied on top of those; each takes a revision after theirs.
    /// - Throws: `.clusterExists`, and what `LogicalCluster.commit` throws.
    public func createCluster(
        _ name: String, uid: String, record: JSON = .object([:]), base: Base, restored: RestoredObjects? = nil,
        writes: [Write] = []
    ) async throws(StoreError) -> LogicalCluster {
        var new = NewCluster(name: name, uid: uid, record: record, base: base, writes: writes)
        guard let restored else { return try await queue.run { [new] in .create(new, $0) } }
        let laid = await LaidObjects.laying(restored, over: catalog.stored(like: base)?.base ?? base)
        new.restored = (restored, laid)
        return try await create(new, laid)
    }

    /// Deletes a cluster with everything in it. Its name can be used again at once; its watches end.
    ///
    /// - Throws: `.noSuchCluster`, and what `LogicalCluster.commit` throws.
    public func deleteCluster(_ name: String) async throws(StoreError) {
        guard let cluster = try await cluster(name) else { throw .noSuchCluster }
        try await queue.run { .delete(cluster, $0) }
    }

    /// The cluster of a name, loaded when it isn't in memory; nil when there is none.
    ///
    /// It stays loaded for as long as the result is referred to, and for a while longer.
    public func cluster(_ name: String) async throws(StoreError) -> LogicalCluster? {
        guard let id = directory.id(of: name) else { return nil }
        return try await cluster(id: id)
    }

    /// The cluster with an id, loaded when it isn't in memory; nil when there is none.
    public func cluster(id: Int64) async throws(StoreError) -> LogicalCluster? {
        if case .loaded(let cluster) = directory.find(id) { return cluster }
        guard !queue.isClosed else { throw .closed }
        let result = await withCheckedContinuation { waiter in
            if directory.await(id, waiter) { load(id) }
        }
        return try result.get()
    }

    /// Waits until there is a cluster of this name, or the task is cancelled.
    public func untilClusterExists(_ name: String) async {
        await directory.arrivals.wait(for: name) { directory.id(of: name) != nil }
    }

    /// All clusters, loaded or not, in no order.
    public func clusters() -> [ClusterInfo] { directory.clusters }

    /// The cluster of a name, without loading it.
    public func info(_ name: String) -> ClusterInfo? { directory.id(of: name).flatMap(directory.info) }

    /// The clusters that own objects under a prefix, without loading them: for finding, at the start, those with pods or
    /// timers. Objects of the base don't count.
    public func clusters(owning prefix: String) async throws(StoreError) -> [ClusterInfo] {
        let result = await withCheckedContinuation { continuation in
            engine.clusters(owning: prefix) { continuation.resume(returning: $0) }
        }
        return try result.get().compactMap(directory.info)
    }

    /// Whether there is a cluster with an id, or one that was put away: what belongs to it elsewhere must stay.
    public func keeps(id: Int64) -> Bool { directory.keeps(id) }

    /// The clusters in memory.
    public var loadedClusters: [LogicalCluster] { directory.loaded }

    /// Tells an observer of every durable change from now on, in order, before the writer of the change is answered.
    ///
    /// It runs on the writer's thread and must not block: a queue is all that it should touch.
    public func observe(_ observer: @escaping @Sendable (CommitBatch) -> Void) { writer.observe(observer) }

    /// Waits until everything queued before is durable and published.
    public func flush() async throws(StoreError) {
        try await queue.run { .barrier($0) }
    }

    /// Keeps house until shutdown, then closes the store.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var tick = 0
            while (try? await clock.sleep(for: options.idleTime / Store.ticksPerIdleTime)) != nil {
                tick += 1
                keepHouse(tick: tick)
            }
        }
        await close()
    }

    /// Finishes what is queued, refuses what comes after, ends all watches, and closes the files.
    public func close() async {
        queue.close()
        await withCheckedContinuation { waiter in
            let isFinished = closing.withLock { closing in
                if !closing.isFinished { closing.waiters.append(waiter) }
                return closing.isFinished
            }
            if isFinished { waiter.resume() }
        }
    }
}

extension Store {
    /// How often in `StoreOptions.idleTime` house is kept.
    static let ticksPerIdleTime = 4

    /// From how many clusters let go of at once the memory that they took is given back to the system: some megabytes.
    static let clustersWorthTrimming = 128

    /// Lets go of what is idle; called with consecutive ticks.
    func keepHouse(tick: Int) {
        let released = directory.sweep(idleTicks: Store.ticksPerIdleTime)
        // On a thread that may be kept waiting. Fewer clusters than this aren't worth it.
        if released >= Store.clustersWorthTrimming { DispatchQueue.global(qos: .utility).async { ProcessMemory.giveBack() } }
        guard tick % Store.ticksPerIdleTime == 0 else { return }
        let logPeriods = max(1, Int(options.logTime / options.idleTime))
        let dropsEvents = tick / Store.ticksPerIdleTime % logPeriods == 0
        for cluster in directory.loaded {
            cluster.dropTreesIfQuiet()
            if dropsEvents { cluster.dropOldEvents() }
        }
    }

    private func load(_ id: Int64) {
        engine.load(id) { [self] result in
            directory.finishLoad(id, result.flatMap { stored in Result { () throws(StoreError) in try make(id, stored) } })
        }
    }

    private func make(_ id: Int64, _ stored: StoredCluster?) throws(StoreError) -> LogicalCluster? {
        guard let stored, let info = directory.info(id) else { return nil }
        let (base, map, ownBytes) = try contents(of: info, stored)
        return LogicalCluster(
            info: info, base: base, map: map, revision: stored.revision, record: stored.record, ownBytes: ownBytes,
            queue: queue, options: options)
    }

    func contents(
        of info: ClusterInfo, _ stored: StoredCluster
    ) throws(StoreError) -> (base: Base, map: OrderedMap<Object>, ownBytes: Int) {
        guard let base = catalog.base(stored.base) else {
            throw .unavailable("the base \(stored.base) of cluster \(info.name) is missing from the database")
        }
        var map = base.map
        var ownBytes = 0
        for row in stored.rows {
            switch row {
            case .object(let key, let object):
                map.put(key, object)
                ownBytes += object.bytes.count
            case .tombstone(let key): map.remove(key)
            }
        }
        return (base, map, ownBytes)
    }

    /// Runs on the writer's thread, as the last thing.
    private func finishClosing() {
        for cluster in directory.loaded { cluster.endWatches(.closed) }
        directory.releaseAll()
        do {
            try engine.close()
        } catch {
            logger.error("closing the store failed; nothing acknowledged is lost", metadata: ["error": "\(error)"])
        }
        lock?.release()
        let waiters = closing.withLock { closing in
            closing.isFinished = true
            defer { closing.waiters = [] }
            return closing.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
