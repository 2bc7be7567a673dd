public import KubeObject

/// Everything that a cluster had at one revision, for another to begin with: objects keep their resourceVersions, and so clients their place.
public struct RestoredObjects: Sendable {
    /// The revision; the next change takes the one after it.
    public let revision: UInt64
    /// What came last, up to that revision: whoever watched before it goes on from there.
    public let events: [Event]
    /// In no order.
    public let objects: [(key: Key, object: Object)]

    /// The largest revision that is taken, so that none that follows overflows what the database and clients count with.
    public static let maximumRevision: UInt64 = 1 << 62

    /// From which on the cluster can be watched.
    var oldest: UInt64 { revision - UInt64(events.count) }

    /// - Parameters:
    ///   - objects: as they are at that revision.
    ///   - events: the last ones before it, without a gap.
    /// - Throws: `.unavailable` when the objects can't all have been there at that revision: a key or a resourceVersion is there twice, or a
    ///   resourceVersion is greater or none.
    public init(
        revision: UInt64, objects: [(key: Key, object: Object)], events: [Event] = []
    ) throws(StoreError) {
        guard (1...Self.maximumRevision).contains(revision), events.count < revision else {
            throw .unavailable("\(revision) is no cluster's revision")
        }
        var keys = Set<Key>()
        var revisions = Set<UInt64>()
        for (key, object) in objects {
            let own = object.metadata.resourceVersion
            guard (1...revision).contains(own) else {
                throw .unavailable("\(key) has the resourceVersion \(own), and the cluster \(revision)")
            }
            guard keys.insert(key).inserted else { throw .unavailable("\(key) is there twice") }
            guard revisions.insert(own).inserted else { throw .unavailable("the resourceVersion \(own) is there twice") }
        }
        for (index, event) in events.enumerated() where event.revision != revision - UInt64(events.count - 1 - index) {
            throw .unavailable("the events before \(revision) have a gap")
        }
        self.events = events
        self.revision = revision
        self.objects = objects
    }

    var weight: Weight {
        Weight(writes: objects.count, bytes: objects.reduce(0) { $0 + $1.object.bytes.count })
    }
}
