public import KubeObject

/// Objects that every new cluster starts with and that all of them share.
///
/// A cluster stores only how it differs from its base. The store keeps a copy of every base that some cluster started from,
/// so that a later release with another base leaves old clusters as they are. Bases are told apart by version and content.
public final class Base: Sendable {
    /// A name for people, such as the release that made this base.
    public let version: String
    /// The resourceVersion of the last object; a cluster's own revisions follow.
    public let revision: UInt64
    let map: OrderedMap<Object>

    /// - Parameters:
    ///   - objects: in any order; of two with one key the last one counts. They get the resourceVersions 1, 2, ... in key
    ///     order.
    public init(version: String, objects: [(key: Key, draft: Draft)] = []) {
        self.version = version
        var drafts = OrderedMap<Draft>()
        for (key, draft) in objects { drafts.put(key.text, draft) }
        var map = OrderedMap<Object>()
        var revision: UInt64 = 0
        for entry in drafts.entries(from: 0, count: drafts.count) {
            revision += 1
            let object = entry.value.sealed(resourceVersion: revision)
            object.dropTree()
            map.put(entry.key, object)
        }
        self.map = map
        self.revision = max(revision, 1)
    }

    /// A base as it was stored.
    init(version: String, stored: [(key: String, object: Object)]) {
        self.version = version
        var map = OrderedMap<Object>()
        for (key, object) in stored { map.put(key, object) }
        self.map = map
        self.revision = max(UInt64(map.count), 1)
    }

    /// Everything in the base.
    public var snapshot: Snapshot { Snapshot(revision: revision, map: map) }

    func hasSameContent(as other: Base) -> Bool {
        guard version == other.version, map.count == other.map.count else { return false }
        let pairs = zip(map.entries(from: 0, count: map.count), other.map.entries(from: 0, count: map.count))
        return pairs.allSatisfy { compareBytes($0.key, $1.key) == 0 && $0.value.bytes == $1.value.bytes }
    }
}
