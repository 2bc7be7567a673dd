import KubeObject

/// A restored cluster's objects over those of its base: what is as in the base stays shared, the rest is its own. Made by whoever asks for the
/// cluster, so that the writer, for whom everybody waits, has nothing left to do but to write.
struct LaidObjects: Sendable {
    /// Over whose objects they are.
    let base: Base
    private(set) var map: OrderedMap<Object>
    private(set) var ownBytes = 0
    /// Those that aren't as in the base, in the order in which they came.
    private var own: [(key: Key, object: Object)] = []
    /// The base's that the cluster hasn't.
    private var missing: [String] = []
    /// The own ones as observers hear of them, in revision order.
    private(set) var events: [Event] = []

    private init(base: Base) {
        self.base = base
        map = base.map
    }

    /// At once, without giving way to anybody.
    init(_ restored: RestoredObjects, over base: Base) {
        self.init(base: base)
        for (key, object) in restored.objects { add(key, object) }
        finish(restored)
    }

    /// How many objects are laid before others get their turn.
    private static let stretch = 512

    /// Gives way to others in between.
    static func laying(_ restored: RestoredObjects, over base: Base) async -> LaidObjects {
        var laid = LaidObjects(base: base)
        for (index, entry) in restored.objects.enumerated() {
            laid.add(entry.key, entry.object)
            if index % stretch == stretch - 1 { await Task.yield() }
        }
        laid.finish(restored)
        await Task.yield()
        return laid
    }

    private mutating func add(_ key: Key, _ object: Object) {
        if base.map.get(key.text)?.bytes == object.bytes { return }
        map.put(key.text, object)
        ownBytes += object.bytes.count
        own.append((key, object))
    }

    private mutating func finish(_ restored: RestoredObjects) {
        events = own.map {
            Event(type: .added, key: $0.key, object: $0.object, previous: nil, revision: $0.object.metadata.resourceVersion)
        }
        events.sort { $0.revision < $1.revision }
        let kept = Set(restored.objects.lazy.map(\.key.text))
        for entry in base.map.entries(from: 0, count: base.map.count) where !kept.contains(entry.key) {
            map.remove(entry.key)
            missing.append(entry.key)
        }
    }

    /// How much there is to write.
    var weight: Weight { Weight(writes: own.count + missing.count, bytes: ownBytes) }

    /// What is to be written for a cluster with this id, in pieces: each of at most so much, or of one row.
    func pieces(of limit: Weight, for cluster: Int64) -> some Sequence<[EngineBatch.Row]> {
        sequence(state: 0) { position in piece(from: &position, limit, cluster) }
    }

    private func piece(from position: inout Int, _ limit: Weight, _ cluster: Int64) -> [EngineBatch.Row]? {
        var rows: [EngineBatch.Row] = []
        var taken = Weight(writes: 0, bytes: 0)
        while position < own.count + missing.count {
            let row = row(position, cluster)
            taken = taken + Weight(writes: 1, bytes: row.bytes)
            guard rows.isEmpty || taken.fits(in: limit) else { break }
            rows.append(row)
            position += 1
        }
        return rows.isEmpty ? nil : rows
    }

    private func row(_ position: Int, _ cluster: Int64) -> EngineBatch.Row {
        guard position < own.count else { return .init(cluster: cluster, key: missing[position - own.count], change: .tombstone) }
        return .init(cluster: cluster, key: own[position].key.text, change: .put(own[position].object.bytes))
    }

    /// All of it at once.
    func rows(for cluster: Int64) -> [EngineBatch.Row] { (0..<(own.count + missing.count)).map { row($0, cluster) } }
}

extension EngineBatch.Row {
    /// Of the object that is put.
    var bytes: Int { if case .put(let bytes) = change { bytes.count } else { 0 } }
}
