/// Why a watch ended that its consumer didn't end itself.
public enum WatchEnd: Error, Sendable, Hashable {
    /// The consumer fell behind by more than the buffer; it has been given every event up to `progress` and can resume there.
    case slow
    /// The cluster was deleted.
    case clusterDeleted
    /// The store was closed.
    case closed
}
