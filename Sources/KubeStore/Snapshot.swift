public import KubeObject

/// Everything in a logical cluster at one revision.
///
/// A snapshot is a pointer: taking one costs nothing, it never changes, and reading it takes no lock. It keeps the objects
/// of its revision in memory for as long as it is held.
public struct Snapshot: Sendable {
    /// The cluster's revision; no object in here has a greater resourceVersion.
    public let revision: UInt64
    let map: OrderedMap<Object>

    /// The object at a key.
    public func get(_ key: Key) -> Object? { map.get(key.text) }

    /// How many objects have keys that start with `prefix` and, when `after` is given, are greater than it. O(log n).
    public func count(prefix: String, after: Key? = nil) -> Int { range(prefix, after).count }

    /// The objects of `count`, in key order, at most `limit` of them.
    public func list(prefix: String, after: Key? = nil, limit: Int? = nil) -> [Object] {
        let (position, count) = range(prefix, after)
        return map.entries(from: position, count: min(count, limit ?? count)).map(\.value)
    }

    /// The objects of `list`, without making the list: they are found as somebody goes through them.
    public func objects(prefix: String, after: Key? = nil, limit: Int? = nil) -> Objects {
        let (position, count) = range(prefix, after)
        return Objects(entries: map.entries(from: position, count: min(count, limit ?? count)))
    }

    /// The objects of `count` with their keys, in key order, one by one.
    public func entries(prefix: String, after: Key? = nil) -> Entries {
        let (position, count) = range(prefix, after)
        return Entries(entries: map.entries(from: position, count: count))
    }

    private func range(_ prefix: String, _ after: Key?) -> (position: Int, count: Int) {
        let end = map.rank(.afterPrefix(prefix))
        let start: MapBound = if let after, compareBytes(after.text, prefix) > 0 { .after(after.text) } else { .before(prefix) }
        let position = map.rank(start)
        return (position, max(end - position, 0))
    }

    /// A range of objects with their keys.
    public struct Entries: Sequence, Sendable {
        let entries: OrderedMap<Object>.Entries

        public var underestimatedCount: Int { entries.count }

        public func makeIterator() -> Iterator { Iterator(base: entries.makeIterator()) }

        public struct Iterator: IteratorProtocol {
            var base: OrderedMap<Object>.Iterator

            public mutating func next() -> (key: Key, object: Object)? {
                base.next().map { (Key($0.key), $0.value) }
            }
        }
    }

    /// A range of objects.
    public struct Objects: Sequence, Sendable {
        let entries: OrderedMap<Object>.Entries

        public var count: Int { entries.count }
        public var underestimatedCount: Int { entries.count }

        public var last: Object? {
            var iterator = entries.last.makeIterator()
            return iterator.next()?.value
        }

        public func makeIterator() -> Iterator { Iterator(base: entries.makeIterator()) }

        public struct Iterator: IteratorProtocol {
            var base: OrderedMap<Object>.Iterator

            public mutating func next() -> Object? { base.next()?.value }
        }
    }
}
