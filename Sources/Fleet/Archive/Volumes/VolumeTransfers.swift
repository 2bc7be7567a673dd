import KubeObject
import KubeRegistry
public import KubeStore
public import Logging
public import ServiceLifecycle
import Synchronization

/// Exports, imports and clones that have volumes' data and so take several requests. Few at once; one that nobody goes on with ends by itself, and
/// leaves nothing.
///
/// Concurrency: any task; one request works on a transfer at a time. One task (`run`) ends what was left alone.
public final class VolumeTransfers: Service {
    static let maximumCount = 8
    static let maximumOfUser = 2
    /// How long nobody may go on with one.
    static let patience: Duration = .seconds(30)
    private static let interval: Duration = .seconds(5)

    /// One of them.
    protocol Transfer: AnyObject, Sendable {
        /// It comes to nothing, or is done: gives up what it holds.
        func end() async
    }

    private struct Entry {
        var user: String
        var transfer: any Transfer
        var isBusy = false
        var lastUse = ContinuousClock.now
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var volumes: (any ArchivedVolumes)?
        var root: LogicalCluster?
        /// Ids of what is being received.
        var receiving: Set<String> = []
    }

    let keeper: SleepKeeper
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter keeper: keeps clusters' pods at rest meanwhile.
    public init(keeper: SleepKeeper, logger: Logger) {
        self.keeper = keeper
        self.logger = logger
    }

    /// Says where the virtual clusters are, and where volumes are, if pods run here.
    public func attach(_ root: LogicalCluster, _ volumes: (any ArchivedVolumes)?) {
        state.withLock { state in
            state.root = root
            state.volumes = volumes
        }
    }

    /// - Throws: 400 where no pods run.
    func volumes() throws(StatusError) -> any ArchivedVolumes {
        guard let volumes = state.withLock({ $0.volumes }) else {
            throw .badRequest("this server runs no pods, and so has no volumes")
        }
        return volumes
    }

    // MARK: Transfers

    /// - Returns: by what it is known.
    func begin(_ transfer: any Transfer, as id: String = Identifiers.uid(), by user: String) throws(StatusError) -> String {
        let isTaken = state.withLock { state in
            guard state.entries.count < Self.maximumCount,
                state.entries.values.count(where: { $0.user == user }) < Self.maximumOfUser
            else { return false }
            state.entries[id] = Entry(user: user, transfer: transfer)
            return true
        }
        guard isTaken else {
            throw .tooManyRequests("volumes of other clusters are being copied; try again", retryAfterSeconds: 10)
        }
        return id
    }

    /// The transfer, for this request alone until ``giveBack(_:)``; nil when there is none of this kind.
    func take<Kind: Transfer>(_ id: String, _ kind: Kind.Type, by user: String) throws(StatusError) -> Kind? {
        let (found, isBusy) = state.withLock { state -> (Kind?, Bool) in
            guard let entry = state.entries[id], entry.user == user, let transfer = entry.transfer as? Kind else {
                return (nil, false)
            }
            if entry.isBusy { return (nil, true) }
            state.entries[id]?.isBusy = true
            return (transfer, false)
        }
        if isBusy { throw .tooManyRequests("another request goes on with this; try again", retryAfterSeconds: 1) }
        return found
    }

    func giveBack(_ id: String) {
        state.withLock { state in
            state.entries[id]?.isBusy = false
            state.entries[id]?.lastUse = .now
        }
    }

    func end(_ id: String) async {
        let entry = state.withLock { $0.entries.removeValue(forKey: id) }
        await entry?.transfer.end()
    }

    static let unknown = StatusError.expired(
        "nothing is known of this: the server was started anew, or it was left alone for too long; begin again")

    // MARK: What was received

    /// Begins to receive volumes.
    func receive(_ wanted: [ClaimedVolume], isRestricted: Bool) throws(StatusError) -> (id: String, intake: any VolumeIntake) {
        let volumes = try volumes()
        let id = Identifiers.uid()
        // Before it is there, so that nobody takes it for left over.
        state.withLock { _ = $0.receiving.insert(id) }
        do { return (id, try volumes.receive(id, wanted, isRestricted: isRestricted)) } catch {
            state.withLock { _ = $0.receiving.remove(id) }
            throw VolumeFailure.status(error)
        }
    }

    /// What was received under an id is a cluster's by now, or nobody's.
    func release(_ id: String) async {
        state.withLock { _ = $0.receiving.remove(id) }
        await sweep()
    }

    /// Gives a cluster what was received for it.
    func place(_ id: String, in cluster: Int64) throws {
        guard let volumes = state.withLock({ $0.volumes }) else { return }
        try volumes.place(id, in: cluster)
    }

    /// Removes what was received for a cluster that came to nothing, also before the server was killed.
    private func sweep() async {
        guard let volumes = state.withLock({ $0.volumes }) else { return }
        let received = volumes.received
        if received.isEmpty { return }
        // Asked afterwards: an id that is new by now isn't among them.
        let (receiving, root) = state.withLock { ($0.receiving, $0.root) }
        guard let root else { return }
        let prefix = Key.prefix(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)
        let named = Set(root.snapshot.list(prefix: prefix).compactMap { ArchivedArrivals.volumes(of: $0.tree) })
        for id in received where !receiving.contains(id) && !named.contains(id) {
            do {
                try await volumes.discard(id)
                Healings.process.note(.receivedVolumes)
                logger.info("removed volumes that were received for a cluster that came to nothing", metadata: ["id": "\(id)"])
            } catch {
                logger.warning("received volumes can't be removed", metadata: ["id": "\(id)", "error": "\(error)"])
            }
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await sweep()
            var rounds = 0
            while !Task.isCancelled {
                do { try await Task.sleep(for: Self.interval) } catch { break }
                await endAbandoned()
                rounds += 1
                if rounds % 12 == 0 { await sweep() }
            }
        }
    }

    private func endAbandoned() async {
        let now = ContinuousClock.now
        let abandoned = state.withLock { state in
            state.entries.filter { !$0.value.isBusy && $0.value.lastUse + Self.patience < now }.map(\.key)
        }
        for id in abandoned { await end(id) }
    }
}

/// A cluster whose pods are kept at rest for as long as this is kept, or until it is let go of.
///
/// Who needs its pods meanwhile is held, as while a cluster wakes. It is in memory only: when the server ends, the cluster goes on.
final class FrozenCluster: Sendable {
    let cluster: LogicalCluster
    private let keeper: SleepKeeper
    private let id = Identifiers.uid()
    private let begin = ContinuousClock.now
    /// How long pods may take to end.
    private static let patience: Duration = .seconds(300)

    init(_ cluster: LogicalCluster, keeper: SleepKeeper) {
        self.cluster = cluster
        self.keeper = keeper
        keeper.pause(cluster.name, for: id)
    }

    func thaw() { keeper.resume(cluster.name, from: id) }

    deinit { thaw() }

    /// Waits a while for the cluster's pods to have ended.
    ///
    /// - Returns: whether they have.
    func waits(_ volumes: any ArchivedVolumes) async throws(StatusError) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(5)
        while !volumes.isAtRest(cluster) {
            guard !cluster.isDeleted else { throw .notFound(Platform.virtualClusters, cluster.name) }
            guard clock.now < begin + Self.patience else {
                throw .serviceUnavailable(
                    "the pods of cluster \(cluster.name) haven't stopped in five minutes: see which with `kubectl get pods`")
            }
            if clock.now > end { return false }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { throw .timeout("the request was given up") }
        }
        return true
    }
}
