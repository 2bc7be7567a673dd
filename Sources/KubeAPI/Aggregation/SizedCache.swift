/// Keeps values up to a number of bytes, together. There is nothing in it that couldn't be had again, so any makes room for a new one.
struct SizedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let capacity: Int
    private var entries: [Key: (value: Value, size: Int)] = [:]
    private(set) var size = 0

    /// - Parameter capacity: in bytes. What is larger alone isn't kept.
    init(capacity: Int) {
        self.capacity = capacity
    }

    subscript(key: Key) -> Value? { self.entries[key]?.value }

    /// - Parameter size: in bytes.
    mutating func keep(_ value: Value, size: Int, for key: Key) {
        self.forget(key)
        guard size <= self.capacity else { return }
        while self.size + size > self.capacity, let other = self.entries.keys.randomElement() { self.forget(other) }
        self.entries[key] = (value, size)
        self.size += size
    }

    mutating func forget(_ key: Key) {
        guard let entry = self.entries.removeValue(forKey: key) else { return }
        self.size -= entry.size
    }
}
