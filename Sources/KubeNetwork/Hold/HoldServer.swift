import KubeRegistry
import KubeStore
import Logging
import NIOCore
import NIOPosix

/// Takes the connections to ports of the host that are services' of sleeping clusters, has the cluster wake, and passes the connection on when
/// there is an endpoint. The rules send them here (chain `hold`) for as long as there is none.
///
/// For such a connection the pod sees this machine as its client. So where network policies may have something to say about who it is, the
/// connection is ended instead when the pod is up: the client's next one goes to the pod as always.
struct HoldServer: Sendable {
    typealias Listener = NIOAsyncChannel<HeldConnection, Never>

    /// Connections at once.
    static let limit = 1_024

    let store: Store
    let addresses: PodAddressBook
    let orders: RuleOrders
    let sleeper: LocalNetwork.Sleeper
    /// Whether somebody may connect to a port of the host that leads to a cluster.
    let admits: @Sendable (LogicalCluster, IPAddress, UInt16) throws -> Bool
    let logger: Logger

    /// By each of these families.
    func listen(_ families: [AddressFamily]) async throws -> [AddressFamily: Listener] {
        var listeners: [AddressFamily: Listener] = [:]
        for family in families { listeners[family] = try await listen(family) }
        return listeners
    }

    private func listen(_ family: AddressFamily) async throws -> Listener {
        var bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        if family == .v6 {
            // Of IPv4 the other listener is.
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        return
            try await bootstrap
            .bind(host: family == .v4 ? "0.0.0.0" : "::", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try HeldConnection(channel) }
            }
    }

    /// Serves until cancelled.
    func run(_ listener: Listener, _ family: AddressFamily) async throws {
        let gate = HoldGate(limit: Self.limit)
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        do {
                            // Closed by this when it is given up before anything is passed on.
                            try await connection.serve { channel, inbound, outbound in
                                guard gate.enter() else { return }
                                defer { gate.leave() }
                                try await serve(channel, family, inbound, outbound)
                            }
                        } catch {
                            logger.debug("a held connection broke off", metadata: ["error": "\(error)"])
                        }
                    }
                }
            }
        }
    }

    private func serve(
        _ channel: any Channel, _ family: AddressFamily, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        guard let port = try await OriginalDestination.port(of: channel, family),
            let (id, service) = await withCheckedContinuation({ orders.post(.findHolder(port: port, family, $0)) }),
            let cluster = try await store.cluster(id: id)
        else { return }
        // Who may not come in wakes nobody.
        guard let source = channel.remoteAddress?.ip, try admits(cluster, source, port) else { return }
        let client = channel.remoteAddress?.ipAddress ?? "somewhere"
        let (sleeper, text) = (sleeper, "a connection from \(client) to port \(port), service \(service)")
        var use = sleeper.knock(cluster, text)
        defer { withExtendedLifetime(use) {} }
        let target = HoldTarget(
            cluster: cluster, addresses: addresses, service: service, port: port, isLeaving: sleeper.isFallingAsleep)
        let end = ContinuousClock.now + RuleKeeper.wakeTime
        var isUp = false
        while !isUp, ContinuousClock.now < end, !Task.isCancelled {
            isUp = await cluster.wait(forChangesOf: target.prefix, end: min(end, .now + .seconds(1))) {
                !sleeper.isAsleep(cluster) && target.endpoint != nil
            }
            // It may have been put to sleep again meanwhile.
            if !isUp, sleeper.isAsleep(cluster) { use = sleeper.knock(cluster, text) }
        }
        guard isUp, let endpoint = target.endpoint, !target.hasPolicies else { return }
        let backend = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(10))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "\(endpoint.address)", port: Int(endpoint.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try HeldConnection.Bytes(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        try await backend.executeThenClose { answers, requests in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.pass(inbound, to: requests) }
                group.addTask { try await Self.pass(answers, to: outbound) }
                try await group.waitForAll()
            }
        }
    }

    /// Passes on what comes, no faster than it is taken, and then the end.
    private static func pass(
        _ source: NIOAsyncChannelInboundStream<ByteBuffer>, to sink: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        for try await bytes in source { try await sink.write(bytes) }
        sink.finish()
    }
}
