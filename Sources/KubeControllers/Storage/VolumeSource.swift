/// Keeps the data of volumes on this machine. Implemented by the part that runs pods.
public protocol VolumeSource: Sendable {
    /// Makes an empty volume; one that is there already stays as it is.
    ///
    /// - Parameters:
    ///   - handle: the volume's name, unique in its cluster. One that isn't a name of ours is refused.
    ///   - cluster: the logical cluster's number.
    func createVolume(_ handle: String, cluster: Int64) async throws

    /// Removes a volume with its data. One that isn't there is no error.
    func deleteVolume(_ handle: String, cluster: Int64) async throws
}
