/// Deadlines of keys, the earliest first. A key has one deadline: setting a later one is without effect, setting an earlier one
/// moves it forward, as client-go's delaying queue does.
struct DelayHeap<Key: Hashable> {
    private struct Entry {
        var deadline: Duration
        var key: Key
    }

    private var entries: [Entry] = []
    private var deadlines: [Key: Duration] = [:]

    /// How many keys wait.
    var count: Int { deadlines.count }

    /// When the earliest key is due.
    var earliest: Duration? {
        mutating get {
            dropStale()
            return entries.first?.deadline
        }
    }

    /// - Returns: whether the key is now the earliest, so that a sleeper must wake up earlier than it meant to.
    mutating func insert(_ key: Key, at deadline: Duration) -> Bool {
        if let known = deadlines[key], known <= deadline { return false }
        let isEarliest = earliest.map { deadline < $0 } ?? true
        deadlines[key] = deadline
        entries.append(Entry(deadline: deadline, key: key))
        siftUp(entries.count - 1)
        return isEarliest
    }

    /// Removes and returns a key that is due at `now`.
    mutating func popDue(at now: Duration) -> Key? {
        dropStale()
        guard let first = entries.first, first.deadline <= now else { return nil }
        removeFirst()
        deadlines[first.key] = nil
        return first.key
    }

    /// A key moved forward leaves its old entry behind; those go when they come to the top.
    private mutating func dropStale() {
        while let first = entries.first, deadlines[first.key] != first.deadline { removeFirst() }
    }

    private mutating func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        siftDown()
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, entries[index].deadline < entries[(index - 1) / 2].deadline {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].deadline < entries[least].deadline { least = child }
            }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
