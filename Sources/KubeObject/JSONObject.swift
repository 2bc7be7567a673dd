/// The members of a JSON object, ordered by the UTF-8 bytes of their keys.
///
/// A sorted array: small, quick to walk, and already canonical when it is encoded. Looking a key up is a binary search;
/// inserting moves what comes after it. Objects of the API are small; large ones (data of config maps) come sorted.
public struct JSONObject: Sendable, Hashable {
    @usableFromInline var members: [Member]

    @usableFromInline struct Member: Sendable, Hashable {
        @usableFromInline var key: String
        @usableFromInline var value: JSON

        @usableFromInline init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }

        @usableFromInline static func == (left: Member, right: Member) -> Bool {
            compareBytes(left.key, right.key) == 0 && left.value == right.value
        }

        @usableFromInline func hash(into hasher: inout Hasher) {
            for byte in key.utf8 { hasher.combine(byte) }
            hasher.combine(value)
        }
    }

    public init() { members = [] }

    /// Members in any order. Of several with one key the last counts.
    ///
    /// Compiled for each kind of sequence where it is used: every write makes a dozen small objects, and in general code each took as long
    /// as a hundred comparisons.
    @inlinable public init(_ pairs: some Sequence<(String, JSON)>) {
        self.init(unsorted: pairs.map { Member(key: $0.0, value: $0.1) })
    }

    @usableFromInline init(unsorted: [Member]) {
        var duplicates: [String] = []
        self.init(unsorted: unsorted, duplicates: &duplicates)
    }

    /// Sorts, keeps the last of several members with one key, and appends the keys that came more than once to `duplicates`.
    init(unsorted: [Member], duplicates: inout [String]) {
        members = unsorted
        var isSorted = true
        for index in members.indices.dropFirst() where compareBytes(members[index - 1].key, members[index].key) >= 0 {
            isSorted = false
            break
        }
        guard !isSorted else { return }
        let order = members.indices.sorted { left, right in
            let order = compareBytes(members[left].key, members[right].key)
            return order == 0 ? left < right : order < 0
        }
        var sorted: [Member] = []
        sorted.reserveCapacity(members.count)
        for index in order {
            let member = members[index]
            if let last = sorted.last, compareBytes(last.key, member.key) == 0 {
                duplicates.append(member.key)
                sorted[sorted.count - 1] = member
            } else {
                sorted.append(member)
            }
        }
        members = sorted
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: some Sequence<String> { members.lazy.map(\.key) }
    public var values: some Sequence<JSON> { members.lazy.map(\.value) }

    /// The value of `key`. Setting nil removes the key.
    public subscript(key: String) -> JSON? {
        get {
            let (index, found) = position(of: key)
            return found ? members[index].value : nil
        }
        set {
            let (index, found) = position(of: key)
            switch (found, newValue) {
            case (true, let value?): members[index].value = value
            case (true, nil): members.remove(at: index)
            case (false, let value?): members.insert(Member(key: key, value: value), at: index)
            case (false, nil): break
            }
        }
        _modify {
            let (index, found) = position(of: key)
            var value: JSON? = nil
            if found {
                value = members[index].value
                members[index].value = .null
            }
            defer {
                switch (found, value) {
                case (true, let value?): members[index].value = value
                case (true, nil): members.remove(at: index)
                case (false, let value?): members.insert(Member(key: key, value: value), at: index)
                case (false, nil): break
                }
            }
            yield &value
        }
    }

    /// Calls `found` for each of some names that is a key, with its place among them, in one walk over both: looking up many is quicker so.
    ///
    /// - Parameter names: in the order of keys.
    public func walk(_ names: [String], _ found: (Int, JSON) -> Void) {
        var next = 0
        for member in members {
            while next < names.count {
                let order = compareBytes(names[next], member.key)
                if order == 0 { found(next, member.value) }
                if order >= 0 { break }
                next += 1
            }
            if next == names.count { return }
        }
    }

    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSON? {
        let (index, found) = position(of: key)
        return found ? members.remove(at: index).value : nil
    }

    /// The same keys with changed values.
    public func mapValues<E: Error>(_ transform: (JSON) throws(E) -> JSON) throws(E) -> JSONObject {
        var result = self
        for index in result.members.indices { result.members[index].value = try transform(members[index].value) }
        return result
    }

    /// The members for which `isIncluded` is true.
    public func filter(_ isIncluded: (String, JSON) -> Bool) -> JSONObject {
        var result = JSONObject()
        result.members = members.filter { isIncluded($0.key, $0.value) }
        return result
    }

    private func position(of key: String) -> (index: Int, found: Bool) {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            let order = compareBytes(members[middle].key, key)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }
}

extension JSONObject: Sequence {
    public struct Iterator: IteratorProtocol {
        var members: IndexingIterator<[Member]>

        public mutating func next() -> (key: String, value: JSON)? {
            guard let member = members.next() else { return nil }
            return (member.key, member.value)
        }
    }

    public func makeIterator() -> Iterator { Iterator(members: members.makeIterator()) }
    public var underestimatedCount: Int { members.count }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

/// Orders two strings by their UTF-8 bytes: negative, zero or positive, as `memcmp` does. `String`'s own `<` and `==` compare
/// by canonical equivalence, which would make different keys one.
@usableFromInline
func compareBytes(_ left: String, _ right: String) -> Int {
    var (left, right) = (left, right)
    return left.withUTF8 { a in right.withUTF8 { b in compareBytes(a, b) } }
}

private func compareBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    let shared = min(a.count, b.count)
    var index = 0
    while index < shared {
        let difference = Int(a[index]) - Int(b[index])
        if difference != 0 { return difference }
        index += 1
    }
    return a.count - b.count
}
