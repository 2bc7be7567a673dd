import KubeObject
public import KubeStore

/// The volumes of this machine, as archives and clones see them.
public protocol ArchivedVolumes: Sendable {
    /// Whether no pod of a cluster writes any more.
    func isAtRest(_ cluster: LogicalCluster) -> Bool

    /// Reads volumes of a cluster that is at rest, as a stream.
    func read(_ volumes: [ClaimedVolume], of cluster: Int64) -> any VolumeStream

    /// Begins to receive volumes under an id that is nobody else's.
    ///
    /// - Parameter isRestricted: whether the cluster's pods can't be root.
    /// - Throws: ``VolumeFailure``.
    func receive(_ id: String, _ volumes: [ClaimedVolume], isRestricted: Bool) throws -> any VolumeIntake

    /// Gives a cluster what was received; again completes what was interrupted.
    func place(_ id: String, in cluster: Int64) throws

    /// Removes what was received.
    func discard(_ id: String) async throws

    /// What was received, and is no cluster's yet.
    var received: [String] { get }
}

/// Volumes that are being read.
public protocol VolumeStream: Sendable {
    /// The next piece, of somewhat more than `limit` bytes at most; empty at the end.
    ///
    /// - Throws: ``VolumeFailure``.
    func next(_ limit: Int) async throws -> [UInt8]
    /// Device files and sockets, which don't go along.
    var leftOut: Int { get }
}

/// Volumes that are being made.
public protocol VolumeIntake: Sendable {
    /// - Throws: ``VolumeFailure``.
    func write(_ bytes: [UInt8]) async throws
    /// Everything was given; it is whole and durable when this returns.
    ///
    /// - Throws: ``VolumeFailure``.
    func finish() async throws
}

/// A volume on this machine that is a claim's.
public struct ClaimedVolume: Sendable, Equatable {
    /// By what the machine knows it.
    public var handle: String
    /// What its claim requests, in bytes: no more of it goes along.
    public var bound: Int64
    /// As messages call it.
    public var title: String

    public init(handle: String, bound: Int64, title: String) {
        self.handle = handle
        self.bound = bound
        self.title = title
    }
}

/// Why volumes couldn't be read or made.
public struct VolumeFailure: Error, Sendable {
    public var message: String
    /// Whether what was sent is to blame.
    public var isContent: Bool

    public init(_ message: String, isContent: Bool) {
        self.message = message
        self.isContent = isContent
    }

    static func status(_ error: any Error) -> StatusError {
        guard let failure = error as? VolumeFailure else { return .internalError("the volumes: \(error)") }
        return failure.isContent
            ? .badRequest("the archive can't be used: \(failure.message)") : .serviceUnavailable(failure.message)
    }
}
