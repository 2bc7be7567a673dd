public import KubeObject
public import KubeRegistry
public import KubeSchema
public import KubeStore
public import Logging
public import ServiceLifecycle
import Synchronization

/// Knows what clusters and teams may have of the machine and what they have, refuses what is more, and says it in their objects' status.
///
/// Concurrency: any task may call any function; one task (`run`) writes statuses.
public final class QuotaKeeper: Service {
    /// Under which name it writes and reports.
    public static let name = "quota-controller"
    /// How often statuses are brought up to date, at most.
    static let interval: Duration = .seconds(3)
    /// An event tells of refusals in a cluster this often at most, in seconds.
    private static let reportInterval: Double = 60

    let book = QuotaBook()
    private let clusters: ResourceType
    private let teams: ResourceType
    private let store: Store
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var root: LogicalCluster?
        var registry: Registry?
        var reporter: SleepKeeper.Reporter?
        /// Teams and clusters whose limits have changed, so that their status is to say what they have.
        var changedTeams: Set<String> = []
        var changedClusters: Set<String> = []
        /// When refusals in a cluster were last told of.
        var reported: [String: Double] = [:]
        var refusals: [String: Int] = [:]
    }

    /// - Parameter schema: the root cluster's; nil is answered when it has no teams or clusters.
    public init?(schema: Schema, store: Store, logger: Logger) {
        guard let clusters = schema.resource(Platform.virtualClusters), let teams = schema.resource(Platform.teams) else {
            return nil
        }
        self.clusters = clusters
        self.teams = teams
        self.store = store
        self.logger = logger
    }

    /// Says where the teams and clusters are, and by what their statuses are written: before requests are served.
    public func attach(_ root: LogicalCluster, by registry: Registry) {
        state.withLock { state in
            state.root = root
            state.registry = registry
        }
        store.observe { [self] batch in note(batch) }
        for object in root.snapshot.list(prefix: Self.teamPrefix) where !Self.quota(object).isEmpty {
            state.withLock { _ = $0.changedTeams.insert(object.metadata.name) }
        }
        for object in root.snapshot.list(prefix: Self.clusterPrefix) where !Self.limits(object).isEmpty {
            state.withLock { _ = $0.changedClusters.insert(SleepKeeper.logical(object.metadata)) }
        }
    }

    /// Says who writes events.
    public func report(by reporter: @escaping @Sendable (_ object: Object, _ reason: String, _ message: String) -> Void) {
        state.withLock { $0.reporter = reporter }
    }

    private static let teamPrefix = Key.prefix(group: Platform.group, plural: Platform.teams.resource, namespace: nil)
    private static let clusterPrefix = Key.prefix(
        group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)

    static func quota(_ team: Object) -> MachineLimits { MachineLimits(team.tree[path: "spec", "quota"]) }
    static func limits(_ cluster: Object) -> MachineLimits { MachineLimits(cluster.tree[path: "spec", "limits"]) }

    /// On the writer's thread.
    private func note(_ batch: CommitBatch) {
        guard batch.cluster.name == Platform.rootCluster else { return book.note(batch) }
        for event in batch.events {
            if event.key.text.hasPrefix(Self.teamPrefix) {
                guard event.previous.map(Self.quota) != Self.quota(event.object) else { continue }
                state.withLock { _ = $0.changedTeams.insert(event.key.name) }
            } else if event.key.text.hasPrefix(Self.clusterPrefix) {
                let name = SleepKeeper.logical(event.object.metadata)
                book.set(name, isAwake: SleepState(event.object.tree).isAwake)
                let before = event.previous.map(Self.limits) ?? MachineLimits(nil)
                if event.type == .deleted { state.withLock { _ = $0.reported.removeValue(forKey: name) } }
                guard before != Self.limits(event.object) else { continue }
                state.withLock { _ = $0.changedClusters.insert(name) }
            }
        }
    }

    // MARK: Limits

    private var root: LogicalCluster? { state.withLock { $0.root } }

    /// What a cluster may have itself, and what its team may.
    func limits(of name: String) -> (own: MachineLimits, quota: MachineLimits) {
        guard let snapshot = root?.snapshot, name != Platform.rootCluster else { return (MachineLimits(nil), MachineLimits(nil)) }
        let namespace = ClusterName.parts(of: name).namespace
        return (
            snapshot.get(Self.key(name)).map(Self.limits) ?? MachineLimits(nil),
            Team(of: namespace, in: snapshot).map { Self.quota($0.object) } ?? MachineLimits(nil)
        )
    }

    private static func key(_ name: String) -> Key {
        let (namespace, own) = ClusterName.parts(of: name)
        return Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: own)
    }

    // MARK: Accounts

    /// Gives a cluster an account, if it has none.
    func open(_ cluster: LogicalCluster) {
        let name = cluster.name
        book.open(cluster) { [self] in
            root?.snapshot.get(Self.key(name)).map { SleepState($0.tree).isAwake } ?? true
        }
    }

    /// Opens the accounts of all clusters that a team has.
    private func openAll(of team: String) async throws(StatusError) {
        while !book.isWhole(team) {
            for info in clusters(of: team) where !book.isOpen(info.id) {
                do {
                    if let cluster = try await store.cluster(id: info.id) { open(cluster) }
                } catch {
                    throw .internalError("loading cluster \(info.name), whose team has a quota: \(error)")
                }
            }
            book.markWhole(team) { self.clusters(of: team).map(\.id) }
        }
    }

    private func clusters(of team: String) -> [ClusterInfo] {
        store.clusters().filter { QuotaBook.team(of: $0.name) == team }
    }

    // MARK: Requests

    /// Keeps room for what a request adds to a cluster.
    ///
    /// - Returns: what is to be kept until the object is stored.
    /// - Throws: 403 when there is no room.
    func reserve(
        _ amounts: MachineAmounts, uid: String?, for resource: GroupResource, _ name: String, in cluster: LogicalCluster
    ) async throws(StatusError) -> QuotaBook.Reservation? {
        let (limits, quota) = limits(of: cluster.name)
        guard !limits.isEmpty || !quota.isEmpty, !amounts.isZero else { return nil }
        while true {
            switch book.reserve(amounts, uid: uid, in: cluster.id, limits: limits, quota: quota) {
            case .reserved(let reservation): return reservation
            case .refused(let refusal):
                note(refusal, in: cluster.name)
                throw .forbidden(resource, name, refusal.message)
            case .unknown:
                guard !cluster.isDeleted else { throw .notFound(resource, name) }
                open(cluster)
                if !quota.isEmpty { try await openAll(of: QuotaBook.team(of: cluster.name)) }
            }
        }
    }

    /// Keeps room for a cluster that is to wake.
    ///
    /// - Throws: 403 when its team's quota has none.
    func reserveWake(of name: String, _ team: Team) async throws(StatusError) -> QuotaBook.Reservation? {
        let quota = Self.quota(team.object)
        guard !quota.isEmpty else { return nil }
        while true {
            switch book.reserveWake(of: name, quota: quota) {
            case .reserved(let reservation): return reservation
            case .refused(let refusal):
                count(refusal)
                throw .forbidden(Platform.virtualClusters, ClusterName.parts(of: name).name, refusal.message)
            case .unknown: try await openAll(of: team.name)
            }
        }
    }

    /// Keeps room for a cluster that is to be made with pods and claims in it.
    ///
    /// - Parameters:
    ///   - name: the logical cluster's.
    ///   - spec: the virtual cluster's.
    /// - Throws: 403 when its own limits or its team's quota have none.
    func reserveCluster(
        _ amounts: MachineAmounts, name: String, spec: JSON, in root: Snapshot
    ) async throws(StatusError) -> QuotaBook.Reservation? {
        let (team, own) = ClusterName.parts(of: name)
        let limits = MachineLimits(spec["limits"])
        let quota = Team(of: team, in: root).map { Self.quota($0.object) } ?? MachineLimits(nil)
        guard !limits.isEmpty || !quota.isEmpty, !amounts.isZero else { return nil }
        while true {
            switch book.reserveCluster(amounts, name: name, limits: limits, quota: quota) {
            case .reserved(let reservation): return reservation
            case .refused(let refusal):
                count(refusal)
                throw .forbidden(Platform.virtualClusters, own, refusal.message)
            case .unknown: try await openAll(of: team)
            }
        }
    }

    private func count(_ refusal: QuotaRefusal) {
        let resource = refusal.exceeded.first?.resource.rawValue ?? ""
        state.withLock { $0.refusals["scope=\"\(refusal.scope.rawValue)\",resource=\"\(resource)\"", default: 0] += 1 }
    }

    /// Counts a refusal, and tells of it in an event unless that was done just now.
    private func note(_ refusal: QuotaRefusal, in name: String) {
        count(refusal)
        let now = Timestamp.seconds
        let (reporter, root) = state.withLock { state -> (SleepKeeper.Reporter?, LogicalCluster?) in
            // A clock that was put back doesn't silence it.
            if let last = state.reported[name], (0..<Self.reportInterval).contains(now - last) { return (nil, nil) }
            state.reported[name] = now
            return (state.reporter, state.root)
        }
        if let reporter, let object = root?.snapshot.get(Self.key(name)) { reporter(object, "QuotaExceeded", refusal.message) }
    }

    /// What is counted, in Prometheus' text format; a bounded number of series.
    public var metricsText: String {
        let refusals = state.withLock { $0.refusals }
        var text =
            "# HELP sampan_quota_refusals_total Requests refused because a cluster's limit or a team's quota had no room.\n# TYPE sampan_quota_refusals_total counter\n"
        for (labels, count) in refusals.sorted(by: { $0.key < $1.key }) {
            text += "sampan_quota_refusals_total{\(labels)} \(count)\n"
        }
        return text
    }

    // MARK: Statuses

    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                await writeStatuses()
                do { try await Task.sleep(for: Self.interval) } catch { return }
            }
        }
    }

    /// Says what those have whose use or limits have changed since the last call.
    func writeStatuses() async {
        let (changedTeams, changedClusters) = state.withLock { state in
            defer {
                state.changedTeams = []
                state.changedClusters = []
            }
            return (state.changedTeams, state.changedClusters)
        }
        let used = book.takeChanged()
        for name in changedClusters.union(used).sorted() { await writeStatus(ofCluster: name) }
        for name in changedTeams.union(used.map(QuotaBook.team(of:))).sorted() where name != ClusterName.noTeam {
            await writeStatus(ofTeam: name)
        }
    }

    private func writeStatus(ofCluster name: String) async {
        let (limits, quota) = limits(of: name)
        do {
            if !limits.isEmpty || !quota.isEmpty, book.used(by: name) == nil, let cluster = try await store.cluster(name) {
                open(cluster)
            }
            let (namespace, own) = ClusterName.parts(of: name)
            let used = limits.isEmpty && quota.isEmpty ? nil : book.used(by: name)
            try await write(clusters, namespace, own, used, limits)
        } catch {
            logger.debug("what a cluster uses can't be noted", metadata: ["cluster": "\(name)", "error": "\(error)"])
        }
    }

    private func writeStatus(ofTeam name: String) async {
        do {
            guard let object = root?.snapshot.get(Team.key(name)) else { return }
            let quota = Self.quota(object)
            if !quota.isEmpty { try await openAll(of: name) }
            try await write(teams, "", name, quota.isEmpty ? nil : book.used(byTeam: name), quota)
        } catch {
            logger.debug("what a team uses can't be noted", metadata: ["team": "\(name)", "error": "\(error)"])
        }
    }

    private func write(
        _ resource: ResourceType, _ namespace: String, _ name: String, _ used: MachineAmounts?, _ limits: MachineLimits
    ) async throws(StatusError) {
        let (registry, root) = state.withLock { ($0.registry, $0.root) }
        guard let registry, let root else { return }
        do {
            try await registry.mutate(
                resource, namespace: namespace, name: name, subresource: "status", .controller(Self.name, in: root)
            ) { tree in
                // One that is just being made hasn't got a status yet, and is looked at again when it has pods.
                guard tree["status"] != nil || used != nil else { return }
                tree[path: "status", "used"] = used?.tree
                QuotaCondition.write(to: &tree, used: used, limits, now: Timestamp.now())
            }
        } catch  where error.code == 404 {
            // It is gone.
        }
    }
}
