import Glibc

/// Volumes that leave in a stream, and those that come in one: they wait in `volumes/incoming/ID` until their cluster is there, and are moved to
/// it by renaming.
extension LocalVolumes {
    private var incoming: String { "\(root)/incoming" }

    /// An id is part of a path: it is a uid, and never what somebody sent.
    private func incoming(_ id: String) throws(EngineError) -> String {
        let letters = Set("0123456789abcdef-")
        guard id.utf8.count == 36, id.allSatisfy(letters.contains) else {
            throw .system(doing: "receiving volumes", path: id, errno: EINVAL)
        }
        return "\(incoming)/\(id)"
    }

    /// Reads volumes of a cluster whose pods are at rest.
    public func read(_ volumes: [VolumeReader.Volume], of cluster: Int64) -> VolumeReader {
        VolumeReader(volumes) { path($0, cluster: cluster) }
    }

    /// Begins to receive volumes for a cluster that isn't there yet.
    public func receive(_ id: String, _ volumes: [VolumeReader.Volume], isRestricted: Bool) throws -> VolumeWriter {
        let directory = try incoming(id)
        try File.makeDirectory(root, mode: 0o700)
        try File.makeDirectory(incoming, mode: 0o700)
        guard mkdir(directory, 0o700) == 0 else {
            throw EngineError.system(doing: "receiving volumes", path: directory, errno: errno)
        }
        return VolumeWriter(volumes, in: directory, isRestricted: isRestricted)
    }

    /// Gives a cluster the volumes that were received for it. Doing it again completes what was interrupted.
    public func place(_ id: String, in cluster: Int64) throws {
        let directory = try incoming(id)
        for handle in File.names(in: directory) {
            guard let path = path(handle, cluster: cluster) else { continue }
            try File.makeDirectory("\(root)/\(cluster)", mode: 0o700)
            // An empty one may have been made meanwhile; one with something in it stays, since somebody uses it.
            guard rename("\(directory)/\(handle)", path) == 0 else {
                throw EngineError.system(doing: "placing the volume", path: path, errno: errno)
            }
        }
        File.removeTree(directory)
    }

    /// Removes volumes that were received for nothing.
    public func discard(_ id: String) async throws {
        try setAside(try incoming(id), as: "incoming-\(id)")
        try await removeDeleted()
    }

    /// Of what volumes were received that no cluster has got yet.
    public var received: [String] { File.names(in: incoming) }
}
