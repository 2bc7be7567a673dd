public import KubeObject
public import KubeStore

/// Bytes as they arrive, in chunks of any size.
public typealias ByteSource = any AsyncSequence<[UInt8], any Error> & Sendable

/// Takes bytes towards a peer, holding the writer back while the peer is slow.
public protocol ByteSink: Sendable {
    /// Returns when the bytes are on their way.
    /// - Throws: when the peer is gone.
    func write(_ bytes: [UInt8]) async throws
    /// Says that no more bytes will come. Further calls do nothing.
    func finish() async
}

/// The size of a terminal in characters.
public struct TerminalSize: Sendable, Hashable {
    public var width: UInt16
    public var height: UInt16

    public init(width: UInt16, height: UInt16) {
        self.width = width
        self.height = height
    }
}

/// The standard streams of a process in a container, as its client has them. What the client didn't ask for is nil.
public struct ContainerIO: Sendable {
    public var stdin: ByteSource?
    public var stdout: (any ByteSink)?
    /// Nil with a terminal, which has one output only.
    public var stderr: (any ByteSink)?
    public var tty: Bool
    /// The sizes that the client's terminal takes; the first one comes at once.
    public var resizes: (any AsyncSequence<TerminalSize, any Error> & Sendable)?

    public init(
        stdin: ByteSource? = nil, stdout: (any ByteSink)? = nil, stderr: (any ByteSink)? = nil, tty: Bool = false,
        resizes: (any AsyncSequence<TerminalSize, any Error> & Sendable)? = nil
    ) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
        self.resizes = resizes
    }
}

/// What of a container's log is asked for (`PodLogOptions`).
public struct LogOptions: Sendable {
    public var follow: Bool
    public var previous: Bool
    public var sinceSeconds: Int64?
    /// RFC 3339.
    public var sinceTime: String?
    public var timestamps: Bool
    public var tailLines: Int64?
    public var limitBytes: Int64?
    /// `Stdout`, `Stderr`, or `All`.
    public var stream: String

    public init(
        follow: Bool = false, previous: Bool = false, sinceSeconds: Int64? = nil, sinceTime: String? = nil,
        timestamps: Bool = false, tailLines: Int64? = nil, limitBytes: Int64? = nil, stream: String = "All"
    ) {
        self.follow = follow
        self.previous = previous
        self.sinceSeconds = sinceSeconds
        self.sinceTime = sinceTime
        self.timestamps = timestamps
        self.tailLines = tailLines
        self.limitBytes = limitBytes
        self.stream = stream
    }
}

/// A pod whose streams are asked for.
public struct PodTarget: Sendable {
    public var cluster: LogicalCluster
    /// The pod as stored when the request came.
    public var pod: Object

    public init(cluster: LogicalCluster, pod: Object) {
        self.cluster = cluster
        self.pod = pod
    }
}

/// Why a port of a pod can't be reached, in words for the client.
public struct PortForwardFailure: Error, Sendable {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }
}

/// The streams of running containers: implemented by the runtime, called by the API server, which imports neither the other.
///
/// Every function takes the container's name already resolved (see ``PodContainers``). A `StatusError` goes to the client as
/// its HTTP answer if it is thrown before the first byte; later, any error ends the stream.
public protocol PodStreams: Sendable {
    /// The log, from what was written already on; ends at its end, or when the container ends if `follow` is set.
    /// The caller's cancellation ends it early.
    func logs(_ target: PodTarget, container: String, options: LogOptions) async throws(StatusError) -> ByteSource

    /// Runs a command in a container and returns its exit code when it ended and all its output was taken.
    /// The caller's cancellation ends the session, not necessarily the command.
    func exec(_ target: PodTarget, container: String, command: [String], io: ContainerIO) async throws -> Int32

    /// Joins the streams of the container's main process; returns when it ends or the client's streams do.
    func attach(_ target: PodTarget, container: String, io: ContainerIO) async throws

    /// Connects to a port on the pod's loopback or address, and moves bytes both ways until both are done.
    /// - Throws: ``PortForwardFailure`` with what the client shall read, or any other error.
    func portForward(_ target: PodTarget, port: UInt16, from: ByteSource, to: any ByteSink) async throws

    /// Whether containers of the pod with this uid are being stopped because its cluster fell asleep, even if it has been woken by now: what
    /// is begun in them would end at once.
    func isFallingAsleep(_ uid: String) -> Bool
}

extension PodStreams {
    public func isFallingAsleep(_ uid: String) -> Bool { false }
}
