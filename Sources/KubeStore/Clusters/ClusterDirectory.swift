import Synchronization

/// The clusters that exist, by name and id, and which of them are in memory.
///
/// A cluster in use is referred to by its users and only weakly by the directory, so that it is never in memory twice. One
/// that nobody uses any more is held here for a while, within a budget: the second-chance queue throws out first what
/// hasn't been asked for since it was queued.
///
/// Concurrency: one mutex, held for dictionary work only.
final class ClusterDirectory: Sendable {
    typealias Waiter = CheckedContinuation<Result<LogicalCluster?, StoreError>, Never>

    fileprivate struct Entry {
        let info: ClusterInfo
        weak var cluster: LogicalCluster?
        /// Keeps an idle cluster loaded.
        var held: LogicalCluster?
        var heldCost = 0
        /// The tick of the last use.
        var lastUse = 0
        /// Used since it was queued.
        var wasUsed = false
        /// Those who wait for the load that is going on; nil when none is.
        var waiters: [Waiter]?
    }

    fileprivate struct State {
        var names: [String: Int64] = [:]
        var entries: [Int64: Entry] = [:]
        /// Put away: they have no name, and aren't in memory.
        var retired: [Int64: ClusterInfo] = [:]
        /// Held clusters, oldest first, and perhaps some that aren't held any more.
        var queue: [Int64] = []
        var heldCount = 0
        var heldCost = 0
        var tick = 0
        /// Let go of, and to be released outside of the lock: that can free a whole cluster.
        var dropped: [LogicalCluster] = []
    }

    /// What a caller of `find` is to do.
    enum Finding {
        case loaded(LogicalCluster)
        case missing
        case mustLoad(ClusterInfo)
    }

    /// Those who wait for a cluster to be created.
    let arrivals = ClusterArrivals()
    private let state = Mutex(State())
    private let options: StoreOptions

    init(clusters: [ClusterInfo], retired: [ClusterInfo] = [], options: StoreOptions) {
        self.options = options
        state.withLock { state in
            state.names.reserveCapacity(clusters.count)
            state.entries.reserveCapacity(clusters.count)
            for info in clusters {
                state.names[info.name] = info.id
                state.entries[info.id] = Entry(info: info)
            }
            for info in retired { state.retired[info.id] = info }
        }
    }

    var clusters: [ClusterInfo] { state.withLock { $0.entries.values.map(\.info) } }

    var retired: [ClusterInfo] { state.withLock { Array($0.retired.values) } }

    func retired(_ id: Int64) -> ClusterInfo? { state.withLock { $0.retired[id] } }

    func whereabouts(ofUID uid: String, named name: String) -> ClusterWhereabouts {
        state.withLock { state in
            if let id = state.names[name], state.entries[id]?.info.uid == uid { return .inUse }
            return state.retired.values.first { $0.uid == uid }.map { .retired($0) } ?? .nowhere
        }
    }

    /// Whether anything of a cluster is to be kept.
    func keeps(_ id: Int64) -> Bool { state.withLock { $0.entries[id] != nil || $0.retired[id] != nil } }

    /// A retired cluster is gone for good.
    func discard(_ id: Int64) { state.withLock { _ = $0.retired.removeValue(forKey: id) } }

    func id(of name: String) -> Int64? { state.withLock { $0.names[name] } }

    func info(_ id: Int64) -> ClusterInfo? { state.withLock { $0.entries[id]?.info } }

    private func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        var dropped: [LogicalCluster] = []
        return state.withLock { state in
            defer { swap(&dropped, &state.dropped) }
            return body(&state)
        }
    }

    /// All clusters in memory.
    var loaded: [LogicalCluster] { state.withLock { $0.entries.values.compactMap(\.cluster) } }

    /// A cluster that is in memory, or what to do about it.
    func find(_ id: Int64) -> Finding {
        withState { state in
            guard let entry = state.entries[id] else { return .missing }
            guard let cluster = entry.cluster else { return .mustLoad(entry.info) }
            state.touch(id, cluster, options)
            return .loaded(cluster)
        }
    }

    /// Waits for a load, which the caller must start when this returns true: there was none.
    func await(_ id: Int64, _ waiter: Waiter) -> Bool {
        enum Step {
            case resume(LogicalCluster?)
            case wait, load
        }
        let step = withState { state -> Step in
            guard let entry = state.entries[id] else { return .resume(nil) }
            if let cluster = entry.cluster {
                state.touch(id, cluster, options)
                return .resume(cluster)
            }
            state.entries[id]?.waiters = (entry.waiters ?? []) + [waiter]
            return entry.waiters == nil ? .load : .wait
        }
        if case .resume(let cluster) = step { waiter.resume(returning: .success(cluster)) }
        if case .load = step { return true }
        return false
    }

    /// Ends a load: everybody who waited gets the same instance.
    func finishLoad(_ id: Int64, _ result: Result<LogicalCluster?, StoreError>) {
        let (waiters, result) = withState { state -> ([Waiter], Result<LogicalCluster?, StoreError>) in
            let waiters = state.entries[id]?.waiters ?? []
            state.entries[id]?.waiters = nil
            guard case .success(let cluster?) = result else { return (waiters, result) }
            state.entries[id]?.cluster = cluster
            state.touch(id, cluster, options)
            return (waiters, result)
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }

    /// Adds a cluster that was created, or has come back.
    func insert(_ cluster: LogicalCluster) {
        withState { state in
            state.names[cluster.name] = cluster.id
            state.retired[cluster.id] = nil
            state.entries[cluster.id] = Entry(info: cluster.info, cluster: cluster)
            state.touch(cluster.id, cluster, options)
        }
        arrivals.announce(cluster.name)
    }

    /// Removes a cluster that was deleted or put away. Who waits for its load gets nothing.
    func remove(_ id: Int64, isRetired: Bool = false) {
        let waiters = withState { state -> [Waiter] in
            guard let entry = state.entries[id] else { return [] }
            state.drop(id)
            state.entries[id] = nil
            if isRetired { state.retired[id] = entry.info }
            if state.names[entry.info.name] == id { state.names[entry.info.name] = nil }
            return entry.waiters ?? []
        }
        for waiter in waiters { waiter.resume(returning: .success(nil)) }
    }

    /// Lets go of the clusters that weren't asked for during the last `idleTicks` calls.
    ///
    /// - Returns: how many those were.
    func sweep(idleTicks: Int) -> Int {
        withState { state in
            state.tick += 1
            var queue = state.queue
            let before = state.heldCount
            queue.removeAll { id in
                guard let entry = state.entries[id], entry.held != nil else { return true }
                guard state.tick - entry.lastUse > idleTicks else { return false }
                state.drop(id)
                return true
            }
            state.queue = queue
            return before - state.heldCount
        }
    }

    /// Lets go of everything.
    func releaseAll() {
        withState { state in
            for id in state.queue { state.drop(id) }
            state.queue = []
        }
    }

}

extension ClusterDirectory.State {
    /// Notes a use, and makes room for the cluster among the held ones.
    fileprivate mutating func touch(_ id: Int64, _ cluster: LogicalCluster, _ options: StoreOptions) {
        guard let entry = entries[id] else { return }
        if entry.lastUse != tick { entries[id]?.lastUse = tick }
        if entry.held != nil {
            if !entry.wasUsed { entries[id]?.wasUsed = true }
            return
        }
        let cost = cluster.memoryCost
        entries[id]?.held = cluster
        entries[id]?.heldCost = cost
        entries[id]?.wasUsed = false
        heldCount += 1
        heldCost += cost
        queue.append(id)
        makeRoom(options)
    }

    private mutating func makeRoom(_ options: StoreOptions) {
        var next = 0
        while heldCount > 1, heldCount > options.idleClusters || heldCost > options.idleBytes, next < queue.count {
            let id = queue[next]
            next += 1
            guard let entry = entries[id], entry.held != nil else { continue }
            if entry.wasUsed {
                entries[id]?.wasUsed = false
                queue.append(id)
            } else {
                drop(id)
            }
        }
        queue.removeFirst(next)
    }

    fileprivate mutating func drop(_ id: Int64) {
        guard let entry = entries[id], let held = entry.held else { return }
        dropped.append(held)
        entries[id]?.held = nil
        heldCount -= 1
        heldCost -= entry.heldCost
        entries[id]?.heldCost = 0
    }
}
