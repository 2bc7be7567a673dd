public import KubeObject
import Synchronization

/// One change of one object, shared by everybody who is told of it.
public final class Event: Sendable {
    public enum Kind: Sendable, Hashable {
        case added, modified, deleted
    }

    public let type: Kind
    public let key: Key
    /// The object after the change; for `.deleted` its last state, at the deletion's revision.
    public let object: Object
    /// The object before the change; nil for `.added`.
    public let previous: Object?
    /// The cluster's revision that this change made.
    public let revision: UInt64

    private let encodings = Mutex<[(form: String, bytes: [UInt8])]>([])

    public init(type: Kind, key: Key, object: Object, previous: Object?, revision: UInt64) {
        self.type = type
        self.key = key
        self.object = object
        self.previous = previous
        self.revision = revision
    }

    /// The event's encoding in a form that the caller names, made by the first who asks and shared with the others, so
    /// that an event is encoded once for all its watchers. The first few forms are kept; others are made anew each time.
    public func encoding<Failure>(
        _ form: String, _ encode: (Event) throws(Failure) -> [UInt8]
    ) throws(Failure) -> [UInt8] {
        if let known = encodings.withLock({ $0.first { $0.form == form }?.bytes }) { return known }
        let bytes = try encode(self)
        return encodings.withLock { encodings in
            if let known = encodings.first(where: { $0.form == form }) { return known.bytes }
            if encodings.count < 4 { encodings.append((form, bytes)) }
            return bytes
        }
    }
}

/// What one durable commit changed in one cluster; what `Store.observe` is given.
public struct CommitBatch: Sendable {
    public enum Lifecycle: Sendable, Hashable {
        /// The cluster went on existing.
        case unchanged
        /// The cluster was created by this commit: `events` are its own first objects. What its base holds has no events.
        case created
        /// The cluster was deleted: there are no events, and nothing can be written to it any more.
        case deleted
    }

    public let cluster: LogicalCluster
    public let lifecycle: Lifecycle
    /// In revision order.
    public let events: [Event]
}
