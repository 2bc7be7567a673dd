import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// Clusters that are about to be made with what others had: kept in memory from the creation of their objects until the reconciler makes them.
///
/// A server that is killed meanwhile knows nothing of them any more; the objects say by their annotation that they were to have something, and
/// the reconciler deletes them rather than make empty clusters. So an import is done or it isn't.
///
/// Concurrency: any task.
public final class ArchivedArrivals: Sendable {
    /// Says on a virtual cluster with what it begins.
    static let annotation = "sampan.dev/begins-with"

    struct Content: Sendable {
        var record: JSON
        var objects: RestoredObjects
        var origin: ArchivedClusters.Origin
        /// The virtual cluster's.
        var spec: JSON
    }

    private let waiting = Mutex<[String: Content]>([:])

    public init() {}

    /// Before the id of a cluster's volumes in what the annotation says.
    private static let volumesMark = "volumes."

    /// - Parameter volumes: the id under which volumes were received that are to be put in their place before its pods run.
    /// - Returns: by what the object is to name it.
    func add(_ content: Content, volumes: String?) -> String {
        let id = volumes.map { Self.volumesMark + $0 } ?? Identifiers.uid()
        waiting.withLock { $0[id] = content }
        return id
    }

    /// The id of volumes that wait to be a virtual cluster's; until they are, its pods don't run.
    static func volumes(of cluster: JSON) -> String? {
        guard let id = cluster[path: "metadata", "annotations", annotation]?.string, id.hasPrefix(volumesMark) else { return nil }
        return String(id.dropFirst(volumesMark.count))
    }

    func content(_ id: String) -> Content? { waiting.withLock { $0[id] } }

    /// What a deleted cluster that comes back was allowed before, when `id` is one: nobody has to allow it again.
    func formerSpec(_ id: String) -> JSON? {
        guard let content = content(id), case .deleted = content.origin else { return nil }
        return content.spec
    }

    func remove(_ id: String) {
        let content = waiting.withLock { $0.removeValue(forKey: id) }
        // It may be large: it is let go of outside the lock.
        withExtendedLifetime(content) {}
    }
}
