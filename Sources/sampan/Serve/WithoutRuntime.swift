import KubeObject
import KubeRegistry

/// The streams of an instance that runs no containers: there are none.
struct WithoutRuntime: PodStreams {
    private static let error = StatusError.serviceUnavailable(
        "this instance runs no containers; start it without --no-containers")

    func logs(_ target: PodTarget, container: String, options: LogOptions) async throws(StatusError) -> ByteSource {
        throw Self.error
    }
    func exec(_ target: PodTarget, container: String, command: [String], io: ContainerIO) async throws -> Int32 {
        throw Self.error
    }
    func attach(_ target: PodTarget, container: String, io: ContainerIO) async throws { throw Self.error }
    func portForward(_ target: PodTarget, port: UInt16, from: ByteSource, to: any ByteSink) async throws { throw Self.error }
}
