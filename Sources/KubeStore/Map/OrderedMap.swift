/// A persistent map from strings to values, ordered by the keys' UTF-8 bytes.
///
/// A B+ tree whose nodes are copy-on-write arrays: copying the map copies one pointer, and a change to a copy copies only
/// the nodes on the way to the changed key. Every branch knows how many entries are below it, so the number of entries
/// before any key is known in O(log n). A value that nobody else holds is changed in place.
struct OrderedMap<Value: Sendable>: Sendable {
    struct Entry: Sendable {
        var key: String
        var value: Value
    }

    struct Branch: Sendable {
        /// Not above any key in `node`, and above every key in the branch before; may be lower than the first key.
        var least: String
        var count: Int
        var node: Node
    }

    enum Node: Sendable {
        case leaf([Entry])
        case branches([Branch])
    }

    /// The most entries or branches that a node holds.
    static var capacity: Int { 32 }
    /// A node that shrinks below this is joined with a neighbour.
    static var sparse: Int { 8 }

    private(set) var root = Node.leaf([])

    init() {}

    var count: Int { root.count }
    var isEmpty: Bool { count == 0 }

    /// The value of a key.
    func get(_ key: String) -> Value? {
        var node = root
        while true {
            switch node {
            case .leaf(let entries):
                let index = entries.firstIndex(notBelow: key)
                guard index < entries.count, compareBytes(entries[index].key, key) == 0 else { return nil }
                return entries[index].value
            case .branches(let branches):
                node = branches[branches.index(holding: key)].node
            }
        }
    }

    /// Sets the value of a key and returns the one that it had.
    @discardableResult
    mutating func put(_ key: String, _ value: Value) -> Value? {
        let (old, split) = root.put(key, value)
        if let split {
            root = .branches([Branch(least: root.least, count: root.count, node: root), split])
        }
        return old
    }

    /// Removes a key and returns the value that it had.
    @discardableResult
    mutating func remove(_ key: String) -> Value? {
        guard let old = get(key) else { return nil }
        root.remove(key)
        while case .branches(let branches) = root, branches.count <= 1 {
            root = branches.first?.node ?? .leaf([])
        }
        return old
    }
}

extension OrderedMap.Node {
    typealias Entry = OrderedMap.Entry
    typealias Branch = OrderedMap.Branch

    var count: Int {
        switch self {
        case .leaf(let entries): entries.count
        case .branches(let branches): branches.reduce(0) { $0 + $1.count }
        }
    }

    /// Entries or branches directly in this node.
    var width: Int {
        switch self {
        case .leaf(let entries): entries.count
        case .branches(let branches): branches.count
        }
    }

    var least: String {
        switch self {
        case .leaf(let entries): entries.first?.key ?? ""
        case .branches(let branches): branches.first?.least ?? ""
        }
    }

    /// Puts an entry; when the node overflows, returns its right half, which the caller inserts after it.
    fileprivate mutating func put(_ key: String, _ value: Value) -> (old: Value?, split: Branch?) {
        switch self {
        case .leaf(var entries):
            self = .leaf([])  // drops this reference, so that an array nobody shares is changed in place
            let index = entries.firstIndex(notBelow: key)
            if index < entries.count, compareBytes(entries[index].key, key) == 0 {
                let old = entries[index].value
                entries[index].value = value
                self = .leaf(entries)
                return (old, nil)
            }
            entries.insert(Entry(key: key, value: value), at: index)
            guard let right = entries.splitOverflow(insertedAt: index) else {
                self = .leaf(entries)
                return (nil, nil)
            }
            self = .leaf(entries)
            return (nil, Branch(least: right[0].key, count: right.count, node: .leaf(right)))

        case .branches(var branches):
            self = .leaf([])
            let index = branches.index(holding: key)
            let (old, split) = branches[index].node.put(key, value)
            if old == nil { branches[index].count += 1 }
            if compareBytes(key, branches[index].least) < 0 { branches[index].least = key }
            guard let split else {
                self = .branches(branches)
                return (old, nil)
            }
            branches[index].count -= split.count
            branches.insert(split, at: index + 1)
            guard let right = branches.splitOverflow(insertedAt: index + 1) else {
                self = .branches(branches)
                return (old, nil)
            }
            self = .branches(branches)
            let node = Self.branches(right)
            return (old, Branch(least: right[0].least, count: node.count, node: node))
        }
    }

    /// Removes a key that is known to be present.
    fileprivate mutating func remove(_ key: String) {
        switch self {
        case .leaf(var entries):
            self = .leaf([])
            entries.remove(at: entries.firstIndex(notBelow: key))
            self = .leaf(entries)

        case .branches(var branches):
            self = .leaf([])
            let index = branches.index(holding: key)
            branches[index].node.remove(key)
            branches[index].count -= 1
            if branches[index].count == 0 {
                branches.remove(at: index)
            } else if branches.count > 1, branches[index].node.width < OrderedMap.sparse {
                branches.join(at: max(index - 1, 0))
            }
            self = .branches(branches)
        }
    }
}

extension Array {
    /// Where the first element is of which `isBelow` is false; the array is partitioned by it.
    func partitionPoint(_ isBelow: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBelow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// When over capacity, cuts off and returns the right half; after an append only the last element, so that keys
    /// that arrive in order (a load from disk) leave full nodes behind.
    fileprivate mutating func splitOverflow(insertedAt index: Int) -> [Element]? {
        guard count > OrderedMap<Int>.capacity else { return nil }
        let middle = index == count - 1 ? count - 1 : count / 2
        let right = Array(self[middle...])
        removeSubrange(middle...)
        return right
    }

    fileprivate func firstIndex<Value>(notBelow key: String) -> Int where Element == OrderedMap<Value>.Entry {
        partitionPoint { compareBytes($0.key, key) < 0 }
    }

    /// The branch in which the key is or would be.
    fileprivate func index<Value>(holding key: String) -> Int where Element == OrderedMap<Value>.Branch {
        Swift.max(partitionPoint { compareBytes($0.least, key) <= 0 } - 1, 0)
    }

    /// Joins the branches at `index` and after it; what doesn't fit in one node is shared evenly between two.
    fileprivate mutating func join<Value>(at index: Int) where Element == OrderedMap<Value>.Branch {
        let left = self[index]
        let right = self[index + 1]
        func parts<Item>(_ items: [Item]) -> [[Item]] {
            guard items.count > OrderedMap<Value>.capacity else { return [items] }
            return [[Item](items[..<(items.count / 2)]), [Item](items[(items.count / 2)...])]
        }
        let nodes: [OrderedMap<Value>.Node]
        switch (left.node, right.node) {
        case (.leaf(let first), .leaf(let second)): nodes = parts(first + second).map { .leaf($0) }
        case (.branches(let first), .branches(let second)): nodes = parts(first + second).map { .branches($0) }
        default: return  // siblings are always on one level
        }
        let joined = nodes.enumerated().map { position, node in
            Element(least: position == 0 ? left.least : node.least, count: node.count, node: node)
        }
        replaceSubrange(index...(index + 1), with: joined)
    }
}
