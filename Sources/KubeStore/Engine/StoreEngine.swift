import KubeObject

/// Where clusters are kept durably.
///
/// `commit`, `purge` and `checkpoint` are called by the writer's thread only, one at a time, and may block it; `load` is
/// called from anywhere and blocks nobody. Errors are `StoreError.diskFull` or `.unavailable`, after which nothing of the
/// failed call is there.
protocol StoreEngine: Sendable {
    /// Everything that must be known at the start.
    func contents() throws(StoreError) -> EngineContents

    /// Writes a batch atomically. It is durable when this returns.
    func commit(_ batch: EngineBatch) throws(StoreError)

    /// Reads one cluster; nil when there is none.
    func load(
        _ id: Int64, _ completion: @escaping @Sendable (Result<StoredCluster?, StoreError>) -> Void)

    /// The clusters that own an object, or a deletion of a base's object, under a prefix.
    func clusters(
        owning prefix: String, _ completion: @escaping @Sendable (Result<[Int64], StoreError>) -> Void)

    /// Removes up to `limit` rows of clusters that are no more, and says whether there are more.
    ///
    /// - Parameter coming: clusters that began and were neither created nor abandoned yet: their rows stay.
    func purge(limit: Int, sparing coming: Set<Int64>) throws(StoreError) -> Bool

    /// Whether `checkpoint` should be called before the next commit.
    var needsCheckpoint: Bool { get }

    /// Tidies up what commits left behind.
    func checkpoint() throws(StoreError)

    func close() throws(StoreError)
}

/// What an engine holds when it is opened.
struct EngineContents: Sendable {
    var clusters: [ClusterInfo] = []
    /// Those that were put away.
    var retired: [ClusterInfo] = []
    var bases: [Int64: Base] = [:]
    /// Greater than any cluster's id that was ever given.
    var nextCluster: Int64 = 1
    /// Rows of deleted clusters remain.
    var hasGarbage = false
}

/// One cluster as it is stored.
struct StoredCluster: Sendable {
    enum Row: Sendable {
        case object(key: String, Object)
        /// An object of the base was deleted.
        case tombstone(key: String)
    }

    var base: Int64
    var revision: UInt64
    var record: JSON
    /// In key order.
    var rows: [Row]
}

/// What one transaction of the engine does, in this order.
struct EngineBatch: Sendable {
    struct Created: Sendable {
        var info: ClusterInfo
        var base: Int64
        var revision: UInt64
        var record: JSON
        /// Its rows came before it, in pieces.
        var wasBegun = false
    }

    struct Row: Sendable {
        enum Change: Sendable {
            case put([UInt8])
            case tombstone
            case remove
        }

        var cluster: Int64
        var key: String
        var change: Change
    }

    var bases: [(id: Int64, base: Base)] = []
    /// Clusters of which rows will come before they are created. Until they are, their rows are as those of deleted clusters.
    var begun: [Int64] = []
    /// Of those, such as are never created.
    var abandoned: [Int64] = []
    var created: [Created] = []
    var rows: [Row] = []
    /// Those of clusters whose latest change no row tells of. A cluster's revision is the greatest of what was written here and its objects'
    /// own: so a put, which is nearly every change, writes one page less.
    var revisions: [(cluster: Int64, revision: UInt64)] = []
    var records: [(cluster: Int64, record: JSON)] = []
    /// Put away, with all that they have.
    var retired: [Int64] = []
    /// Back from there, by the name and the uid that they have from now on.
    var revived: [ClusterInfo] = []
    var deleted: [Int64] = []

    var isEmpty: Bool {
        bases.isEmpty && created.isEmpty && rows.isEmpty && revisions.isEmpty && records.isEmpty && deleted.isEmpty
            && retired.isEmpty && revived.isEmpty && begun.isEmpty && abandoned.isEmpty
    }
}
