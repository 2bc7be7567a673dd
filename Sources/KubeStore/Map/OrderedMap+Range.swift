/// A place between keys.
enum MapBound: Sendable {
    /// Just before this key.
    case before(String)
    /// Just after this key.
    case after(String)
    /// After all keys that start with this, and before all greater ones.
    case afterPrefix(String)

    /// Whether a key lies before this place.
    func isAfter(_ key: String) -> Bool {
        switch self {
        case .before(let bound): compareBytes(key, bound) < 0
        case .after(let bound): compareBytes(key, bound) <= 0
        case .afterPrefix(let prefix): comparePrefix(key, prefix) <= 0
        }
    }
}

extension OrderedMap {
    /// How many keys lie before a place, in O(log n).
    func rank(_ bound: MapBound) -> Int {
        var rank = 0
        var node = root
        while true {
            switch node {
            case .leaf(let entries):
                return rank + entries.partitionPoint { bound.isAfter($0.key) }
            case .branches(let branches):
                let index = branches.partitionPoint { bound.isAfter($0.least) } - 1
                guard index >= 0 else { return rank }
                for branch in branches[..<index] { rank += branch.count }
                node = branches[index].node
            }
        }
    }

    /// The entries from a position (as `rank` counts) on, at most `count` of them.
    func entries(from position: Int, count: Int) -> Entries {
        Entries(root: root, position: position, count: Swift.max(Swift.min(count, self.count - position), 0))
    }

    /// A range of a map's entries in order. It keeps the map's nodes alive, not the map.
    struct Entries: Sequence, Sendable {
        let root: Node
        let position: Int
        let count: Int

        var underestimatedCount: Int { count }

        /// The last of them only; nothing when there are none.
        var last: Entries { Entries(root: root, position: position + Swift.max(count - 1, 0), count: Swift.min(count, 1)) }

        func makeIterator() -> Iterator { Iterator(self) }
    }

    struct Iterator: IteratorProtocol {
        private var path: [(branches: [Branch], next: Int)] = []
        private var leaf: [Entry] = []
        private var index = 0
        private var remaining: Int

        fileprivate init(_ entries: Entries) {
            remaining = entries.count
            var skip = entries.position
            var node = entries.root
            while case .branches(let branches) = node {
                var next = 0
                while next < branches.count - 1, branches[next].count <= skip {
                    skip -= branches[next].count
                    next += 1
                }
                guard next < branches.count else { return }
                path.append((branches, next + 1))
                node = branches[next].node
            }
            if case .leaf(let entries) = node {
                leaf = entries
                index = Swift.min(skip, entries.count)
            }
        }

        mutating func next() -> Entry? {
            guard remaining > 0 else { return nil }
            if index == leaf.count {
                guard advanceLeaf() else { return nil }
            }
            defer {
                index += 1
                remaining -= 1
            }
            return leaf[index]
        }

        private mutating func advanceLeaf() -> Bool {
            while let (branches, next) = path.last {
                guard next < branches.count else {
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                var node = branches[next].node
                while case .branches(let below) = node {
                    path.append((below, 1))
                    node = below[0].node
                }
                if case .leaf(let entries) = node, !entries.isEmpty {
                    leaf = entries
                    index = 0
                    return true
                }
            }
            return false
        }
    }
}
