import HummingbirdCore
public import Logging
public import NIOCore
public import ServiceLifecycle
import Synchronization

/// The server at its port: accepts connections and hands their requests to an ``APIServer``.
public final class HTTPSServer: Service {
    private let service: any Service
    private let address = PortPromise()

    /// - Parameters:
    ///   - host: the address to bind; `0.0.0.0` or `::` for all.
    ///   - port: 0 takes any free one; see ``boundPort()``.
    public convenience init(
        host: String, port: Int, identity: ServerIdentity, api: APIServer, limits: ServerLimits = ServerLimits(),
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.init(
            host: host, port: port, identity: identity, responder: { await api.respond(to: $0) }, limits: limits,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    init(
        host: String, port: Int, identity: ServerIdentity, responder: @escaping Responder, limits: ServerLimits = ServerLimits(),
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        let address = self.address
        self.service = HTTPSChannel(identity: identity, limits: limits, responder: responder).server(
            configuration: ServerConfiguration(
                address: .hostname(host, port: port), serverName: nil, backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            onServerRunning: { address.fulfil($0.localAddress?.port ?? port) },
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Serves until gracefully shut down: requests in progress are answered, watches and other streams are ended.
    public func run() async throws {
        defer { self.address.fulfil(0) }
        try await self.service.run()
    }

    /// The port that the server listens on; waits for it to do so, and is 0 when it ended without ever having.
    public func boundPort() async -> Int {
        await self.address.value()
    }
}

/// A number that is known later. The first value stays.
private final class PortPromise: Sendable {
    private let state = Mutex<(value: Int?, waiting: [CheckedContinuation<Int, Never>])>((nil, []))

    func fulfil(_ value: Int) {
        let waiting = self.state.withLock { state in
            guard state.value == nil else { return [CheckedContinuation<Int, Never>]() }
            state.value = value
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    func value() async -> Int {
        await withCheckedContinuation { continuation in
            let known = self.state.withLock { state -> Int? in
                if state.value == nil { state.waiting.append(continuation) }
                return state.value
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
