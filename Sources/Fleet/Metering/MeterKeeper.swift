import Dispatch
public import KubeObject
public import KubeStore
public import Logging
public import ServiceLifecycle
import Synchronization

/// Keeps the ledger of what clusters use: looks once a minute, writes down the hour so far, and closes hours.
///
/// A kill loses what was used since the last look, a minute at most, and nothing is counted twice (``UsageLedger``). What containers use while
/// the server is down is counted afterwards, as far as it is processor time. A clock that jumps makes an hour shorter or longer; what is
/// measured goes by a clock that doesn't.
public actor MeterKeeper: Service {
    /// Where pods run.
    public struct Pods: Sendable {
        /// What those have used by now that are there.
        let current: @Sendable () async throws -> [PodUse]
        /// What those had used that have gone since the last call.
        let ended: @Sendable () -> [PodUse]

        public init(
            current: @escaping @Sendable () async throws -> [PodUse], ended: @escaping @Sendable () -> [PodUse]
        ) {
            self.current = current
            self.ended = ended
        }
    }

    private static let interval: Double = 60
    /// What was looked at so lately is good enough for a report, in seconds.
    private static let freshness: Double = 2
    /// For how long a deleted cluster's pods may go on ending.
    private static let memory: Duration = .seconds(600)

    nonisolated let meter: UsageMeter
    nonisolated private let ledger: UsageLedger
    nonisolated private let claimed = Mutex<Set<Int64>>([])
    private let store: Store
    private let quotas: QuotaKeeper
    private let logger: Logger
    private let now: @Sendable () -> Double
    private var pods: Pods?
    /// Clusters that were deleted lately, whose last pods may still be ending.
    nonisolated private let gone = Mutex<[Int64: (name: UsageMeter.Name, time: ContinuousClock.Instant)]>([:])
    private var lastLook = ContinuousClock.now
    private var isLooking = false

    /// Opens the ledger.
    ///
    /// - Parameters:
    ///   - directory: made when there is none.
    ///   - quotas: has the count of claims.
    /// - Throws: when the directory can't be used.
    public init(
        directory: String, store: Store, quotas: QuotaKeeper, logger: Logger,
        now: @escaping @Sendable () -> Double = { Timestamp.seconds }
    ) throws {
        self.store = store
        self.quotas = quotas
        self.logger = logger
        self.now = now
        ledger = try UsageLedger(directory: directory)
        var checkpoint: UsageCheckpoint?
        do {
            checkpoint = try ledger.checkpoint()
        } catch {
            logger.warning(
                "the usage of the hour that wasn't over can't be read and is put aside", metadata: ["error": "\(error)"])
            try ledger.setCheckpointAside()
        }
        meter = UsageMeter(checkpoint ?? UsageCheckpoint(sequence: ledger.sequence + 1, hour: Self.hour(of: now())))
    }

    private static func hour(of time: Double) -> Double { (time / 3600).rounded(.down) * 3600 }

    private static let clusterPrefix = Key.prefix(
        group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)
    private static let claimPrefix = Key.prefix(group: "", plural: "persistentvolumeclaims", namespace: nil)

    /// Says where the virtual clusters are: before requests are served.
    ///
    /// - Parameter pods: nil where no pods run.
    public func attach(_ root: LogicalCluster, pods: Pods?) {
        self.pods = pods
        store.observe { [self] batch in note(batch) }
        for object in root.snapshot.list(prefix: Self.clusterPrefix) { noteCluster(object, isGone: false) }
    }

    /// A request to a cluster has been let in.
    nonisolated public func countRequest(_ cluster: LogicalCluster) {
        if cluster.name != Platform.rootCluster { meter.countRequest(cluster) }
    }

    /// In Prometheus' text format.
    nonisolated public var metricsText: String { meter.metricsText }

    /// On the writer's thread.
    nonisolated private func note(_ batch: CommitBatch) {
        guard batch.cluster.name == Platform.rootCluster else {
            if batch.lifecycle == .deleted {
                let name = UsageMeter.Name(logical: batch.cluster.name, uid: batch.cluster.uid)
                gone.withLock { $0[batch.cluster.id] = (name, .now) }
            }
            for event in batch.events where event.type == .added && event.key.text.hasPrefix(Self.claimPrefix) {
                claimed.withLock { _ = $0.insert(batch.cluster.id) }
            }
            return
        }
        for event in batch.events where event.key.text.hasPrefix(Self.clusterPrefix) {
            noteCluster(event.object, isGone: event.type == .deleted)
        }
    }

    nonisolated private func noteCluster(_ object: Object, isGone: Bool) {
        let name = UsageMeter.Name(logical: SleepKeeper.logical(object.metadata), uid: object.metadata.uid)
        meter.set(name, isAwake: !isGone && object.metadata.deletionTimestamp == nil && SleepState(object.tree).isAwake)
    }

    // MARK: Looking

    public func run() async throws {
        await findClaims()
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                let now = self.now()
                // The hour's end is looked at, too.
                let rest = Self.hour(of: now) + 3600 - now
                // Where pods aren't known yet, those that begin meanwhile couldn't be told from older ones.
                let interval = await self.pods == nil || self.meter.hasCounted ? Self.interval : 1
                do { try await Task.sleep(for: .seconds(min(interval, max(rest, 0.1)))) } catch { break }
            }
        }
        await look()
    }

    private func findClaims() async {
        do {
            let found = try await store.clusters(owning: Self.claimPrefix).map(\.id)
            claimed.withLock { $0.formUnion(found) }
        } catch {
            logger.warning("clusters with volumes can't be found for metering", metadata: ["error": "\(error)"])
        }
    }

    /// Counts what was used since the last look and writes it down; closes the hour when it is over. What can't be written is tried again at the
    /// next look.
    func look() async {
        guard !isLooking else { return }
        isLooking = true
        defer { isLooking = false }
        await openAccounts()
        let uses = await podUses()
        // Afterwards: one that went in between is in both, and not in neither.
        let ended = pods?.ended() ?? []
        let time = ContinuousClock.now
        let elapsed = max(lastLook.duration(to: time) / .seconds(1), 0)
        lastLook = time
        var names = gone.withLock { gone in
            gone = gone.filter { $0.value.time + Self.memory > time }
            return gone.mapValues(\.name)
        }
        for info in store.clusters() { names[info.id] = UsageMeter.Name(logical: info.name, uid: info.uid) }
        let known = names
        let storage = quotas.book.storage.compactMap { cluster, bytes in
            store.info(cluster).map { (name: UsageMeter.Name(logical: cluster, uid: $0.uid), bytes: bytes) }
        }
        meter.look(now: time, elapsed: elapsed, pods: uses, ended: ended, storage: storage) { known[$0] }
        do {
            try write()
        } catch {
            logger.warning("the usage ledger can't be written; it is tried again", metadata: ["error": "\(error)"])
        }
    }

    private func write() throws {
        let checkpoint = meter.checkpoint
        try ledger.write(checkpoint)
        let hour = Self.hour(of: now())
        guard hour != checkpoint.hour else { return }
        try ledger.append(checkpoint.records, hour: checkpoint.hour, number: checkpoint.sequence)
        meter.begin(hour: hour, after: checkpoint)
        try ledger.write(meter.checkpoint)
    }

    private func podUses() async -> [PodUse]? {
        guard let pods else { return nil }
        do {
            return try await pods.current()
        } catch {
            // What they use meanwhile is counted when it is known again.
            logger.debug("what pods use can't be measured", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Claims are counted in accounts, which clusters without limits don't have before they have a claim.
    private func openAccounts() async {
        for id in claimed.withLock({ $0 }) {
            do {
                if !quotas.book.isOpen(id), let cluster = try await store.cluster(id: id) { quotas.open(cluster) }
                claimed.withLock { _ = $0.remove(id) }
            } catch {
                logger.debug("a cluster's volumes can't be counted", metadata: ["cluster": "\(id)", "error": "\(error)"])
            }
        }
    }

    // MARK: Reports

    /// What was used in a time by a team's clusters, the hour that goes on included.
    func report(_ query: UsageQuery) async throws -> [UsageQuery.Entry] {
        if lastLook.duration(to: .now) > .seconds(Self.freshness) { await look() }
        // Both at once: only this actor closes an hour, so that it is in one of them.
        let (ledger, extent, open) = (self.ledger, self.ledger.extent, self.meter.checkpoint)
        return try await withCheckedThrowingContinuation { continuation in
            // Files of a year take a while, and a thread.
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(
                    with: Result {
                        var sum = UsageSum(query)
                        try ledger.read(extent, since: query.since, until: query.until, team: query.team) {
                            sum.add($0, isOpen: false)
                        }
                        for record in open.records where query.covers(record) { sum.add(record, isOpen: true) }
                        return sum.entries
                    })
            }
        }
    }
}
