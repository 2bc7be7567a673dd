import Glibc
import KubeStore
public import Logging

/// Volumes that are directories on this machine, each cluster's below one of its own: `volumes/CLUSTER/HANDLE` in the data directory.
///
/// A handle is the only thing that comes from a tenant, and one that isn't a name as we give them is refused. What is deleted is moved
/// aside first, so that it is gone at once and its removal, which may take long, can be completed after a crash.
public struct LocalVolumes: Sendable {
    let root: String
    private let logger: Logger

    public init(dataDirectory: String, logger: Logger) {
        root = "\(dataDirectory)/volumes"
        self.logger = logger
    }

    private var deleted: String { "\(root)/deleted" }

    /// `pvc-` and the uid of the claim that it was made for.
    static func isHandle(_ text: String) -> Bool {
        let digits = Set("0123456789abcdef-")
        return text.utf8.count == 40 && text.hasPrefix("pvc-") && text.dropFirst(4).allSatisfy(digits.contains)
    }

    /// Where a volume is; nil when the handle isn't one.
    func path(_ handle: String, cluster: Int64) -> String? {
        Self.isHandle(handle) ? "\(root)/\(cluster)/\(handle)" : nil
    }

    /// Makes an empty volume that every user may write to; one that is there already stays as it is.
    public func create(_ handle: String, cluster: Int64) throws(EngineError) {
        guard let path = path(handle, cluster: cluster) else {
            throw .system(doing: "making the volume", path: handle, errno: EINVAL)
        }
        // Only containers come here, through their mounts: what is in a volume may be a program that runs as another user.
        try File.makeDirectory(root, mode: 0o700)
        try File.makeDirectory("\(root)/\(cluster)", mode: 0o700)
        guard !File.exists(path) else { return }
        try File.makeDirectory(path, mode: 0o777)
    }

    /// Removes a volume with its data. One that isn't there is no error.
    public func delete(_ handle: String, cluster: Int64) async throws {
        guard let path = path(handle, cluster: cluster) else {
            throw EngineError.system(doing: "deleting the volume", path: handle, errno: EINVAL)
        }
        try setAside(path, as: "\(cluster)-\(handle)")
        try await removeDeleted()
    }

    /// Removes all volumes of a cluster that is gone. Failures are logged: the next start tries again.
    func deleteAll(of cluster: Int64) async {
        do {
            try setAside("\(root)/\(cluster)", as: "\(cluster)")
            try await removeDeleted()
        } catch {
            logger.warning("a cluster's volumes could not be removed", metadata: ["cluster": "\(cluster)", "error": "\(error)"])
        }
    }

    /// Removes what is left of clusters that went while no server ran, and completes what was begun.
    ///
    /// - Parameter keeps: whether there is a cluster, or may be again.
    func deleteAll(unless keeps: (Int64) -> Bool) async {
        for name in File.names(in: root) {
            guard let cluster = Int64(name), !keeps(cluster) else { continue }
            logger.notice("volumes of a cluster that is gone for good are removed", metadata: ["cluster": "\(cluster)"])
            await deleteAll(of: cluster)
            Healings.process.note(.volumes)
        }
        do { try await removeDeleted() } catch {
            logger.warning("deleted volumes could not be removed", metadata: ["error": "\(error)"])
        }
    }

    func setAside(_ path: String, as name: String) throws(EngineError) {
        guard File.exists(path) else { return }
        try File.makeDirectory(deleted, mode: 0o700)
        let target = "\(deleted)/\(name)-\(UInt64.random(in: 0 ... .max))"
        guard rename(path, target) == 0 else { throw .system(doing: "deleting the volume", path: path, errno: errno) }
    }

    /// By a program that takes any depth of directories, and never follows links.
    func removeDeleted() async throws {
        for name in File.names(in: deleted) {
            try await Program.run("/bin/rm", ["-rf", "--one-file-system", "--", "\(deleted)/\(name)"])
        }
    }
}
