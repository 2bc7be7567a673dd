internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore

/// The gRPC services of one containerd, over its Unix socket.
///
/// One connection serves all calls; it is made again when containerd was restarted. Calls wait for it, until their deadline.
final class EngineClient: Sendable {
    /// containerd's socket.
    let socket: String
    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    let runtime: CRIRuntimeService.Client<HTTP2ClientTransport.Posix>
    let images: CRIImageService.Client<HTTP2ClientTransport.Posix>
    let tasks: ContainerdTasks.Client<HTTP2ClientTransport.Posix>
    let containers: ContainerdContainers.Client<HTTP2ClientTransport.Posix>
    let events: ContainerdEvents.Client<HTTP2ClientTransport.Posix>

    init(socket: String) throws(EngineError) {
        self.socket = socket
        let transport: HTTP2ClientTransport.Posix
        do {
            transport = try HTTP2ClientTransport.Posix(
                // Go's HTTP/2 refuses a path as the authority.
                target: .unixDomainSocket(path: socket, authority: "localhost"), transportSecurity: .plaintext,
                config: .defaults {
                    $0.backoff.initial = .milliseconds(20)
                    $0.backoff.max = .seconds(1)
                    $0.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(PingAnswerer(), position: .first)
                        }
                    }
                })
        } catch {
            throw .notReady(log: "", detail: "\(error)")
        }
        client = GRPCClient(transport: transport)
        runtime = CRIRuntimeService.Client(wrapping: client)
        images = CRIImageService.Client(wrapping: client)
        tasks = ContainerdTasks.Client(wrapping: client)
        containers = ContainerdContainers.Client(wrapping: client)
        events = ContainerdEvents.Client(wrapping: client)
    }

    /// Holds the connection until the task is cancelled.
    func run() async throws { try await client.runConnections() }
}

extension CallOptions {
    /// The call waits for a connection and fails after `limit`.
    static func within(_ limit: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = limit
        options.waitForReady = true
        return options
    }

    /// No deadline: for streams and for waiting for a process's end.
    static var unlimited: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = true
        return options
    }
}

extension Metadata {
    /// containerd keeps the CRI's containers in this namespace.
    static var criNamespace: Metadata { ["containerd-namespace": "k8s.io"] }
}
