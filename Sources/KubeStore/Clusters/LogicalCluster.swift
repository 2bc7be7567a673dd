public import KubeObject
import Synchronization

/// One Kubernetes cluster's state: a map from keys to objects, a revision counter, recent events, and watchers.
///
/// There is at most one instance of a cluster in memory, and it stays for as long as anybody refers to it. Snapshots and
/// watches are taken from any thread and never wait for the disk; changes go through the store's one writer.
///
/// Concurrency: everything mutable is in one mutex, held for pointer copies only. The writer alone changes the map, the
/// revision and the log.
public final class LogicalCluster: Sendable {
    struct State: Sendable {
        var map: OrderedMap<Object>
        var revision: UInt64
        var record: JSON
        var log: EventLog
        var watchers = WatcherIndex()
        var isDeleted = false
        /// The bytes of the cluster's own objects.
        var ownBytes: Int
        var attachment: (any AnyObject & Sendable)?
        /// The revisions at the last times that old events and decoded trees were dropped.
        var logMark: UInt64 = 0
        var treeMark: UInt64 = 0
        /// When revisions were last taken without a change.
        var advanced: ContinuousClock.Instant?
    }

    /// Unique for ever, in this store.
    public let id: Int64
    public let name: String
    public let uid: String
    /// What the cluster started from.
    public let base: Base

    let options: StoreOptions
    private let queue: CommitQueue
    private let state: Mutex<State>
    private let delivered: Atomic<UInt64>

    init(
        info: ClusterInfo, base: Base, map: OrderedMap<Object>, revision: UInt64, record: JSON, ownBytes: Int,
        queue: CommitQueue, options: StoreOptions
    ) {
        id = info.id
        name = info.name
        uid = info.uid
        self.base = base
        self.queue = queue
        self.options = options
        state = Mutex(
            State(map: map, revision: revision, record: record, log: EventLog(after: revision), ownBytes: ownBytes))
        delivered = Atomic(revision)
    }

    public var info: ClusterInfo { ClusterInfo(id: id, name: name, uid: uid) }

    /// Everything in the cluster now. It holds what was acknowledged, and nothing that isn't durable.
    public var snapshot: Snapshot { state.withLock { Snapshot(revision: $0.revision, map: $0.map) } }

    /// The revision of the last change.
    public var revision: UInt64 { state.withLock { $0.revision } }

    /// How many objects the cluster has beside those of its base.
    public var ownObjects: Int { max(state.withLock { $0.map.count } - base.map.count, 0) }

    /// The bytes of the cluster's own objects, as they are stored.
    public var ownBytes: Int { state.withLock { $0.ownBytes } }

    /// The cluster's private record (keys of its authorities, settings): not an object, and seen by no client.
    public var record: JSON { state.withLock { $0.record } }

    /// What somebody derived from the cluster's objects and keeps with them: it goes when the cluster is unloaded. The store
    /// doesn't look at it.
    public var attachment: (any AnyObject & Sendable)? {
        get { state.withLock { $0.attachment } }
        set {
            // What was there may be large: it is let go of outside the lock.
            let old = state.withLock { state in
                defer { state.attachment = newValue }
                return state.attachment
            }
            withExtendedLifetime(old) {}
        }
    }

    /// Whether the cluster was deleted while this instance was held.
    public var isDeleted: Bool { state.withLock { $0.isDeleted } }

    /// Writes all of `writes` or none. When it returns they are durable and seen by everybody.
    ///
    /// Every put and every delete takes the next revision, in order. The outcome is told even when the task is cancelled:
    /// a commit can't be taken back.
    /// - Returns: for every write the object as put, or as it was deleted (at the deletion's revision); nil for a check and
    ///   for a delete of what was absent anyway.
    public func commit(_ writes: [Write]) async throws(StoreError) -> [Object?] {
        try await queue.run { .commit(self, writes, $0) }
    }

    /// Takes revisions without changing anything, for who has to see that time has passed: a key that nobody watches comes and goes.
    /// Once a minute at most, since it's asked for by reads.
    public func advance() async throws(StoreError) {
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.advanced, now - last < .seconds(60) { return false }
            state.advanced = now
            return true
        }
        guard isDue else { return }
        let key = Key(group: "sampan.internal", plural: "ticks", name: "tick")
        let draft: Draft
        do { draft = try Draft(["metadata": ["name": "tick"]]) } catch { return }
        _ = try await commit([.put(draft, at: key), .delete(key)])
    }

    /// Replaces the cluster's private record. Durable when it returns.
    public func updateRecord(_ record: JSON) async throws(StoreError) {
        try await queue.run { .record(self, record, $0) }
    }

    /// Follows the changes of the objects whose keys start with `prefix`, after the revision `since` (nil: from now on).
    ///
    /// - Throws: `.expired` when events after `since` are no longer known: list and watch from there; `.tooLarge` when it is
    ///   in the future; `.noSuchCluster`.
    public func watch(prefix: String, since: UInt64? = nil) throws(StoreError) -> WatchSubscription {
        try start(prefix: prefix, since: since).subscription
    }

    /// A snapshot and the changes that follow it, without a gap and without an overlap.
    public func snapshotAndWatch(
        prefix: String
    ) throws(StoreError) -> (snapshot: Snapshot, subscription: WatchSubscription) {
        try start(prefix: prefix, since: nil)
    }

    /// The cluster as it was at an earlier revision, as far back as the event log reaches.
    ///
    /// - Throws: `.expired` or `.tooLarge`.
    public func snapshot(at revision: UInt64) throws(StoreError) -> Snapshot {
        let (now, log) = state.withLock { (Snapshot(revision: $0.revision, map: $0.map), $0.log) }
        guard revision != now.revision else { return now }
        guard revision < now.revision else { throw .tooLarge(current: now.revision) }
        guard let events = log.events(after: revision) else { throw .expired(oldest: log.oldest) }
        var map = now.map
        for event in events.reversed() {
            if let previous = event.previous {
                map.put(event.key.text, previous)
            } else {
                map.remove(event.key.text)
            }
        }
        return Snapshot(revision: revision, map: map)
    }

    /// Keeps the cluster loaded until the hold is let go of: for open connections, pods and timers.
    public func hold() -> Hold { Hold(cluster: self) }

    /// A reason for a cluster to stay loaded.
    public final class Hold: Sendable {
        public let cluster: LogicalCluster
        fileprivate init(cluster: LogicalCluster) { self.cluster = cluster }
    }

    private func start(
        prefix: String, since: UInt64?
    ) throws(StoreError) -> (snapshot: Snapshot, subscription: WatchSubscription) {
        let started = state.withLock { state -> Result<(Snapshot, Watcher), StoreError> in
            let snapshot = Snapshot(revision: state.revision, map: state.map)
            let since = since ?? state.revision
            guard !state.isDeleted else { return .failure(.noSuchCluster) }
            guard since <= state.revision else { return .failure(.tooLarge(current: state.revision)) }
            let watcher = Watcher(prefix: prefix, after: since, limit: options.watchBuffer)
            if since < state.revision {
                guard let missed = state.log.events(after: since) else {
                    return .failure(.expired(oldest: state.log.oldest))
                }
                watcher.prime(missed.filter { hasBytePrefix($0.key.text, prefix) })
            }
            state.watchers.insert(watcher)
            return .success((snapshot, watcher))
        }
        let (snapshot, watcher) = try started.get()
        return (snapshot, WatchSubscription(cluster: self, watcher: watcher))
    }
}

// What the writer and the directory use.
extension LogicalCluster {
    /// The revision up to which every watcher has been offered everything.
    var deliveredRevision: UInt64 { delivered.load(ordering: .acquiring) }

    /// A rough count of the memory that the cluster takes, in bytes.
    var memoryCost: Int { state.withLock { 8_192 + $0.ownBytes * 3 } }

    /// Makes a durable commit visible and tells the watchers. Called by the writer only, in commit order.
    func publish(map: OrderedMap<Object>, revision: UInt64, events: [Event], ownBytes: Int) {
        let watchers = state.withLock { state in
            state.map = map
            state.revision = revision
            state.ownBytes = ownBytes
            state.log.append(events, maximumCount: options.logEvents, maximumBytes: options.logBytes)
            return state.watchers
        }
        watchers.offer(events)
        delivered.store(revision, ordering: .releasing)
    }

    func publish(record: JSON) { state.withLock { $0.record = record } }

    /// What the writer stages on.
    var current: (map: OrderedMap<Object>, revision: UInt64, ownBytes: Int, isDeleted: Bool) {
        state.withLock { ($0.map, $0.revision, $0.ownBytes, $0.isDeleted) }
    }

    func markDeleted() { state.withLock { $0.isDeleted = true } }

    func endWatches(_ reason: WatchEnd) {
        let watchers = state.withLock { state in
            defer { state.watchers = WatcherIndex() }
            return state.watchers.all
        }
        for watcher in watchers { watcher.end(reason) }
    }

    func remove(_ watcher: Watcher) { state.withLock { $0.watchers.remove(watcher) } }

    /// Drops the events that were already there at the last call.
    func dropOldEvents() {
        state.withLock { state in
            state.log.drop(through: state.logMark)
            state.logMark = state.revision
        }
    }

    /// Forgets the decoded trees of the cluster's own objects, unless something changed since the last call.
    func dropTreesIfQuiet() {
        let snapshot = state.withLock { state -> Snapshot? in
            defer { state.treeMark = state.revision }
            return state.treeMark == state.revision ? Snapshot(revision: state.revision, map: state.map) : nil
        }
        guard let snapshot else { return }
        for (key, object) in snapshot.entries(prefix: "") where base.map.get(key.text) !== object { object.dropTree() }
    }
}
