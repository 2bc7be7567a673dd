public import KubeObject

/// Why the store didn't do what was asked.
public enum StoreError: Error, Sendable {
    /// The object has another resourceVersion than expected. `current` is the object as it is.
    case conflict(Key, current: Object?)
    /// The object was expected to be absent.
    case alreadyExists(Key)
    /// The object was expected to be present.
    case notFound(Key)
    /// The cluster doesn't exist, or was deleted.
    case noSuchCluster
    /// Another cluster has this name.
    case clusterExists
    /// The event log no longer reaches back to the revision; `oldest` is the earliest one from which it can be followed.
    case expired(oldest: UInt64)
    /// The revision is in the future.
    case tooLarge(current: UInt64)
    /// Nothing was written, because there is no space; reads go on and writes work again when there is.
    case diskFull(String)
    /// Nothing was written or read, because the storage failed; says how.
    case unavailable(String)
    /// More is queued than the writer may fall behind; nothing was written, try again later.
    case overloaded
    /// The store was closed.
    case closed
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .conflict(let key, let current):
            "\(key) was changed" + (current.map { " (now at \($0.metadata.resourceVersion))" } ?? "")
        case .alreadyExists(let key): "\(key) already exists"
        case .notFound(let key): "\(key) not found"
        case .noSuchCluster: "no such cluster"
        case .clusterExists: "a cluster of this name exists"
        case .expired(let oldest): "the events after this revision are gone; the oldest to resume from is \(oldest)"
        case .tooLarge(let current): "the revision is in the future; the current one is \(current)"
        case .diskFull(let why): "no space left to write: \(why)"
        case .unavailable(let why): "storage failed: \(why)"
        case .overloaded: "too many writes are queued"
        case .closed: "the store is closed"
        }
    }
}
