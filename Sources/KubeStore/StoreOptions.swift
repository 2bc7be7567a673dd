/// Sizes and times of a store. The defaults suit a server with thousands of clusters.
public struct StoreOptions: Sendable {
    /// How long a cluster that nobody holds stays loaded after its last use.
    public var idleTime: Duration = .seconds(30)
    /// How many clusters that nobody holds stay loaded at most. Loading one again takes a fraction of a millisecond; what many leave behind in
    /// the heap when they go can stay for good.
    public var idleClusters = 512
    /// How much memory those may take at most, roughly, in bytes.
    public var idleBytes = 64 << 20

    /// How many events a cluster's log keeps at most.
    public var logEvents = 16_384
    /// How many bytes of objects a cluster's log keeps at most.
    public var logBytes = 16 << 20
    /// Events older than this (and younger than twice this) are dropped from the log.
    public var logTime: Duration = .seconds(300)
    /// How many events may wait for a watcher before it is cut off.
    public var watchBuffer = 4_096

    /// How many writes may wait for the writer before `StoreError.overloaded`.
    public var queuedWrites = 65_536
    /// How many bytes of objects may wait for the writer.
    public var queuedBytes = 256 << 20
    /// How many writes go into one transaction of the engine; more wait for the next one.
    public var batchWrites = 2_048
    /// How many bytes of objects go into one transaction of the engine.
    public var batchBytes = 16 << 20
    /// How many objects of a cluster that is restored go into one transaction of the engine, at most.
    public var pieceWrites = 256
    /// How many bytes of them.
    public var pieceBytes = 1 << 20

    /// How many pages the database file may have; nil: as many as fit. For tests of a full disk.
    var maximumPages: Int?

    public init() {}
}
