import Synchronization

/// Says whether pods of deleted clusters still end, once there is somebody who knows: handlers are made before the runtime is.
public final class DeletedClusterEndings: Sendable {
    private let answer = Mutex<@Sendable (Int64) -> Bool>({ _ in false })

    public init() {}

    /// Says who knows.
    public func attach(_ answer: @escaping @Sendable (Int64) -> Bool) { self.answer.withLock { $0 = answer } }

    /// - Parameter cluster: the logical cluster's number.
    public func isEnding(_ cluster: Int64) -> Bool { answer.withLock { $0 }(cluster) }
}
