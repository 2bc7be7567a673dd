import KubeObject

/// A batch in the making: transactions are checked against, and applied to, copies of their clusters' maps.
///
/// Pure: it looks at clusters and says what to write, and nobody else sees anything of it.
struct Stage {
    /// A cluster as it will be after the batch.
    struct Cluster {
        let cluster: LogicalCluster
        /// Wasn't there before: it is new, or comes back.
        let isCreated: Bool
        var isRevived = false
        var map: OrderedMap<Object>
        var revision: UInt64
        var ownBytes: Int
        var events: [Event] = []
        /// What a restored cluster had before: observers hear of it as of what is new.
        var restored: [Event] = []
        /// The last of what happened to a restored cluster before, from which watches resume.
        var past: [Event] = []
        var record: JSON?
        var isDeleted = false
    }

    /// The clusters that the batch touches, in the order in which it first did.
    private(set) var order: [Int64] = []
    private(set) var clusters: [Int64: Cluster] = [:]
    private(set) var rows: [EngineBatch.Row] = []
    private(set) var bases: [(id: Int64, base: Base)] = []
    private(set) var deleted: [Int64] = []
    private(set) var retired: [Int64] = []
    /// Retired ones that go for good.
    private(set) var discarded: [Int64] = []
    /// Names given (their cluster) or freed (nil) by this batch.
    private var names: [String: Int64?] = [:]
    private(set) var nextCluster: Int64
    /// Those that come in pieces: which began, are there, and won't come, by this batch.
    private(set) var begun: Set<Int64> = []
    private(set) var arrived: Set<Int64> = []
    private(set) var abandoned: Set<Int64> = []
    /// Those that began before.
    private let coming: Set<Int64>

    private let directory: ClusterDirectory
    private let catalog: BaseCatalog
    private let queue: CommitQueue
    private let options: StoreOptions

    init(
        nextCluster: Int64, coming: Set<Int64>, directory: ClusterDirectory, catalog: BaseCatalog, queue: CommitQueue,
        options: StoreOptions
    ) {
        self.nextCluster = nextCluster
        self.coming = coming
        self.directory = directory
        self.catalog = catalog
        self.queue = queue
        self.options = options
    }

    /// Applies a transaction, or nothing of it.
    mutating func commit(_ cluster: LogicalCluster, _ writes: [Write]) throws(StoreError) -> [Object?] {
        try touch(cluster)
        guard writes.count != 1 else { return [try apply(writes[0], to: cluster.id)] }
        let before = clusters[cluster.id]
        let rowCount = rows.count
        do {
            var results: [Object?] = []
            results.reserveCapacity(writes.count)
            for write in writes { results.append(try apply(write, to: cluster.id)) }
            return results
        } catch {
            clusters[cluster.id] = before
            rows.removeSubrange(rowCount...)
            throw error
        }
    }

    mutating func setRecord(_ cluster: LogicalCluster, _ record: JSON) throws(StoreError) {
        try touch(cluster)
        clusters[cluster.id]?.record = record
    }

    mutating func create(_ new: NewCluster) throws(StoreError) -> LogicalCluster {
        guard owner(of: new.name) == nil else { throw .clusterExists }
        if let begun = new.begun { try expect(begun) }
        let (_, base) = stored(new.base)
        let info = ClusterInfo(id: new.begun ?? nextCluster, name: new.name, uid: new.uid)
        let revision = new.restored?.objects.revision ?? base.revision
        let cluster = LogicalCluster(
            info: info, base: base, map: base.map, revision: new.restored?.objects.oldest ?? revision, record: new.record,
            ownBytes: 0, queue: queue, options: options)
        clusters[info.id] = Cluster(cluster: cluster, isCreated: true, map: base.map, revision: revision, ownBytes: 0)
        let rowCount = rows.count
        do {
            if let restored = new.restored { restore(restored, over: base, in: info.id, isWritten: new.begun != nil) }
            for write in new.writes { _ = try apply(write, to: info.id) }
        } catch {
            clusters[info.id] = nil
            rows.removeSubrange(rowCount...)
            throw error
        }
        order.append(info.id)
        names[new.name] = .some(info.id)
        if new.begun == nil { nextCluster += 1 } else { arrived.insert(info.id) }
        return cluster
    }

    /// Gives a new cluster the objects that another had.
    private mutating func restore(
        _ restored: (objects: RestoredObjects, laid: LaidObjects), over base: Base, in id: Int64, isWritten: Bool
    ) {
        // Whoever laid them couldn't know of a base that is stored in this very batch.
        let laid = restored.laid.base === base ? restored.laid : LaidObjects(restored.objects, over: base)
        clusters[id]?.past = restored.objects.events
        clusters[id]?.map = laid.map
        clusters[id]?.ownBytes = laid.ownBytes
        clusters[id]?.restored = laid.events
        if !isWritten { rows += laid.rows(for: id) }
    }

    /// Gives the id of a cluster that comes in pieces.
    mutating func begin() -> Int64 {
        let id = nextCluster
        nextCluster += 1
        begun.insert(id)
        return id
    }

    mutating func add(_ piece: [EngineBatch.Row], of id: Int64) throws(StoreError) {
        try expect(id)
        rows += piece
    }

    mutating func abandon(_ id: Int64) { abandoned.insert(id) }

    /// Whether a cluster of this id is coming.
    private func expect(_ id: Int64) throws(StoreError) {
        guard coming.contains(id) || begun.contains(id), !arrived.contains(id), !abandoned.contains(id) else {
            throw .noSuchCluster
        }
    }

    mutating func delete(_ cluster: LogicalCluster) throws(StoreError) {
        try touch(cluster)
        names[cluster.name] = .some(nil)
        deleted.append(cluster.id)
        clusters[cluster.id]?.isDeleted = true
    }

    /// As a deletion, but for what is stored.
    mutating func retire(_ cluster: LogicalCluster) throws(StoreError) {
        try touch(cluster)
        names[cluster.name] = .some(nil)
        retired.append(cluster.id)
        clusters[cluster.id]?.isDeleted = true
    }

    mutating func discard(_ id: Int64) throws(StoreError) {
        guard isRetired(id) else { throw .noSuchCluster }
        discarded.append(id)
    }

    private func isRetired(_ id: Int64) -> Bool {
        directory.retired(id) != nil && !discarded.contains(id) && clusters[id] == nil
    }

    /// Has a retired cluster go on under a name, with its objects as they are to be now.
    mutating func revive(_ revival: Revival) throws(StoreError) -> LogicalCluster {
        let id = revival.retired.info.id
        guard isRetired(id) else { throw .noSuchCluster }
        guard owner(of: revival.name) == nil else { throw .clusterExists }
        let base = revival.retired.base
        let old = revival.retired.snapshot.map
        let cluster = LogicalCluster(
            info: ClusterInfo(id: id, name: revival.name, uid: revival.uid), base: base, map: old,
            revision: revival.restored.oldest, record: revival.retired.record, ownBytes: 0, queue: queue, options: options)
        var staged = Cluster(
            cluster: cluster, isCreated: true, isRevived: true, map: base.map, revision: revival.restored.revision, ownBytes: 0)
        staged.past = revival.restored.events
        var kept = Set<String>()
        for (key, object) in revival.restored.objects {
            kept.insert(key.text)
            if old.get(key.text) !== object { rows.append(.init(cluster: id, key: key.text, change: .put(object.bytes))) }
            if base.map.get(key.text) === object { continue }
            staged.map.put(key.text, object)
            staged.ownBytes += object.bytes.count
            staged.restored.append(
                Event(type: .added, key: key, object: object, previous: nil, revision: object.metadata.resourceVersion))
        }
        staged.restored.sort { $0.revision < $1.revision }
        for entry in old.entries(from: 0, count: old.count) where !kept.contains(entry.key) {
            rows.append(
                .init(cluster: id, key: entry.key, change: base.map.get(entry.key) == nil ? .remove : .tombstone))
        }
        for entry in base.map.entries(from: 0, count: base.map.count) where !kept.contains(entry.key) {
            staged.map.remove(entry.key)
        }
        clusters[id] = staged
        order.append(id)
        names[revival.name] = .some(id)
        return cluster
    }

    /// What the engine is to write.
    var batch: EngineBatch {
        var batch = EngineBatch()
        batch.bases = bases
        batch.rows = rows
        batch.deleted = deleted + discarded
        batch.retired = retired
        batch.begun = begun.sorted()
        batch.abandoned = abandoned.sorted()
        for id in order {
            guard let staged = clusters[id] else { continue }
            if staged.isRevived {
                batch.revived.append(staged.cluster.info)
                batch.revisions.append((id, staged.revision))
                if let record = staged.record { batch.records.append((id, record)) }
                continue
            }
            if staged.isCreated {
                batch.created.append(
                    .init(
                        info: staged.cluster.info, base: stored(id: staged.cluster.base), revision: staged.revision,
                        record: staged.record ?? staged.cluster.record, wasBegun: arrived.contains(id)))
                continue
            }
            // Otherwise the last object that was put says it.
            if staged.events.last?.type == .deleted { batch.revisions.append((id, staged.revision)) }
            if let record = staged.record { batch.records.append((id, record)) }
        }
        return batch
    }

    private func owner(of name: String) -> Int64? {
        if let staged = names[name] { return staged }
        return directory.id(of: name)
    }

    /// Begins with a cluster as it is published.
    private mutating func touch(_ cluster: LogicalCluster) throws(StoreError) {
        if let staged = clusters[cluster.id] {
            guard !staged.isDeleted else { throw .noSuchCluster }
            return
        }
        let current = cluster.current
        guard !current.isDeleted else { throw .noSuchCluster }
        clusters[cluster.id] = Cluster(
            cluster: cluster, isCreated: false, map: current.map, revision: current.revision, ownBytes: current.ownBytes)
        order.append(cluster.id)
    }

    private mutating func stored(_ base: Base) -> (id: Int64, base: Base) {
        if let stored = catalog.stored(like: base) { return stored }
        if let staged = bases.first(where: { $0.base === base || $0.base.hasSameContent(as: base) }) { return staged }
        let id = (bases.last?.id ?? (catalog.nextID - 1)) + 1
        bases.append((id, base))
        return (id, base)
    }

    private func stored(id base: Base) -> Int64 {
        catalog.stored(like: base)?.id ?? bases.first { $0.base === base }?.id ?? 0
    }

    private mutating func apply(_ write: Write, to id: Int64) throws(StoreError) -> Object? {
        let key = write.key
        guard let current = clusters[id]?.map.get(key.text) else { return try applyAbsent(write, to: id) }
        switch write.expect {
        case .any, .present: break
        case .absent: throw .alreadyExists(key)
        case .revision(let revision):
            guard current.metadata.resourceVersion == revision else { throw .conflict(key, current: current) }
        }
        switch write.kind {
        case .check: return nil
        case .put(let draft): return put(draft, key, over: current, in: id)
        case .delete: return delete(current, key, in: id)
        }
    }

    private mutating func applyAbsent(_ write: Write, to id: Int64) throws(StoreError) -> Object? {
        switch write.expect {
        case .any, .absent: break
        case .present, .revision: throw .notFound(write.key)
        }
        guard case .put(let draft) = write.kind else { return nil }
        return put(draft, write.key, over: nil, in: id)
    }

    private mutating func put(_ draft: Draft, _ key: Key, over previous: Object?, in id: Int64) -> Object? {
        guard let revision = clusters[id]?.advance() else { return nil }
        let object = draft.sealed(resourceVersion: revision)
        let event = Event(
            type: previous == nil ? .added : .modified, key: key, object: object, previous: previous, revision: revision)
        clusters[id]?.map.put(key.text, object)
        clusters[id]?.note(event)
        rows.append(.init(cluster: id, key: key.text, change: .put(object.bytes)))
        return object
    }

    private mutating func delete(_ previous: Object, _ key: Key, in id: Int64) -> Object? {
        guard let revision = clusters[id]?.advance(), let base = clusters[id]?.cluster.base else { return nil }
        let object = previous.resealed(resourceVersion: revision)
        let event = Event(type: .deleted, key: key, object: object, previous: previous, revision: revision)
        clusters[id]?.map.remove(key.text)
        clusters[id]?.note(event)
        let isOfBase = base.map.get(key.text) != nil
        rows.append(.init(cluster: id, key: key.text, change: isOfBase ? .tombstone : .remove))
        return object
    }
}

extension Stage.Cluster {
    fileprivate mutating func advance() -> UInt64 {
        revision += 1
        return revision
    }

    fileprivate mutating func note(_ event: Event) {
        events.append(event)
        if event.type != .deleted { ownBytes += event.object.bytes.count }
        if let previous = event.previous, cluster.base.map.get(event.key.text) !== previous {
            ownBytes -= previous.bytes.count
        }
    }
}
