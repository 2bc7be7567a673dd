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
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    typealias Listener = NIOAsyncChannel<Connection, Never>

    /// Connections at once.
    static let limit = 1_024

    let store: Store
    let addresses: PodAddressBook
    let orders: RuleOrders
    let knock: LocalNetwork.Knock
    /// Whether somebody may connect to a port of the host that leads to a cluster.
    let admits: @Sendable (LogicalCluster, IPv4Address, UInt16) throws -> Bool
    let logger: Logger

    func listen() async throws -> Listener {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "0.0.0.0", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
    }

    /// Serves until cancelled.
    func run(_ listener: Listener) async throws {
        let gate = HoldGate(limit: Self.limit)
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        do {
                            // Closed by this when it is given up before anything is passed on.
                            try await connection.executeThenClose { inbound, outbound in
                                guard gate.enter() else { return }
                                defer { gate.leave() }
                                try await serve(connection.channel, inbound, outbound)
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
        _ channel: any Channel, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        guard let port = try await OriginalDestination.port(of: channel),
            let (id, service) = await withCheckedContinuation({ orders.post(.findHolder(port: port, $0)) }),
            let cluster = try await store.cluster(id: id)
        else { return }
        // Who may not come in wakes nobody.
        guard let source = channel.remoteAddress?.ipv4, try admits(cluster, source, port) else { return }
        let client = channel.remoteAddress?.ipAddress ?? "somewhere"
        let use = knock(cluster, "a connection from \(client) to port \(port), service \(service)")
        defer { withExtendedLifetime(use) {} }
        let target = HoldTarget(cluster: cluster, addresses: addresses, service: service, port: port)
        let isUp = await cluster.wait(forChangesOf: target.prefix, end: .now + RuleKeeper.wakeTime) { target.endpoint != nil }
        guard isUp, let endpoint = target.endpoint, !target.hasPolicies else { return }
        let backend = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(10))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "\(endpoint.address)", port: Int(endpoint.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(
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
