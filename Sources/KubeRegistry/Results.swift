public import KubeObject
import KubeStore

/// What a verb answers with: a stored object, whose bytes are sent as they are, or a document made for this answer
/// (a `Status`, a `Scale`, an access review).
public enum Answer: Sendable {
    case object(Object)
    case document(JSON)

    /// The JSON to send.
    public var bytes: [UInt8] {
        switch self {
        case .object(let object): object.bytes
        case .document(let tree): tree.encoded()
        }
    }

    /// The decoded form.
    public var tree: JSON {
        switch self {
        case .object(let object): object.tree
        case .document(let tree): tree
        }
    }

    /// The object, unless the answer is a document.
    public var object: Object? {
        if case .object(let object) = self { object } else { nil }
    }
}

/// The outcome of a verb that writes.
public struct WriteResult: Sendable {
    public var answer: Answer
    /// The HTTP status that upstream gives: 200, 201 (created) or 202 (accepted, as a deletion that waits for finalizers).
    public var code: Int
    /// Texts for `Warning` headers.
    public var warnings: [String]

    public init(_ answer: Answer, code: Int = 200, warnings: [String] = []) {
        self.answer = answer
        self.code = code
        self.warnings = warnings
    }
}

/// A page of objects out of one consistent snapshot.
public struct ListResult: Sendable {
    /// In the order of namespace and name.
    public var objects: ObjectList
    /// The revision of the snapshot: a watch from here misses nothing.
    public var resourceVersion: UInt64
    /// The token for the next page; empty on the last.
    public var continueToken: String
    /// How many objects are left after this page, where that is known without counting against a selector.
    public var remainingItemCount: Int?

    public init(objects: ObjectList, resourceVersion: UInt64, continueToken: String = "", remainingItemCount: Int? = nil) {
        self.objects = objects
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
        self.remainingItemCount = remainingItemCount
    }

    /// The list's `metadata`.
    public var metadata: JSON {
        var tree: JSON = ["resourceVersion": .string(String(resourceVersion))]
        if !continueToken.isEmpty { tree["continue"] = .string(continueToken) }
        if let remainingItemCount { tree["remainingItemCount"] = .int(Int64(remainingItemCount)) }
        return tree
    }
}

/// A list's objects: a part of a snapshot, gone through without being copied, or those that were picked out of one.
///
/// Either way every pass gives the same objects, whatever has changed since.
public struct ObjectList: Sequence, Sendable {
    private enum Content: Sendable {
        case range(Snapshot.Objects)
        case picked([Object])
    }

    private let content: Content

    public init(_ objects: [Object]) { content = .picked(objects) }

    init(_ range: Snapshot.Objects) { content = .range(range) }

    public var count: Int {
        switch content {
        case .range(let objects): objects.count
        case .picked(let objects): objects.count
        }
    }

    public var underestimatedCount: Int { count }

    public func makeIterator() -> Iterator {
        switch content {
        case .range(let objects): Iterator(range: objects.makeIterator(), picked: [].makeIterator())
        case .picked(let objects): Iterator(range: nil, picked: objects.makeIterator())
        }
    }

    public struct Iterator: IteratorProtocol {
        fileprivate var range: Snapshot.Objects.Iterator?
        fileprivate var picked: IndexingIterator<[Object]>

        public mutating func next() -> Object? {
            range == nil ? picked.next() : range?.next()
        }
    }
}
