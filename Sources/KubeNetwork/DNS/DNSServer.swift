import Logging
import NIOCore
import NIOPosix

/// Listens for the pods' questions, over UDP and TCP on one port.
struct DNSServer: Sendable {
    struct Listeners: Sendable {
        var datagrams: any Channel
        var streams: any Channel

        var port: Int { datagrams.localAddress?.port ?? 0 }

        func close() async {
            for channel in [datagrams, streams] {
                do {
                    try await channel.close()
                } catch {
                    // Closed already: that's what was wanted.
                }
            }
        }
    }

    let responder: DNSResponder
    let group: any EventLoopGroup
    /// How long a TCP client may be silent.
    var idleTime: TimeAmount = .seconds(10)
    /// TCP connections at once, of one pod and of all.
    var limits = (perSource: 64, total: 1_024)

    /// - Throws: when the port is taken.
    func listen(host: String, port: Int) async throws -> Listeners {
        let responder = self.responder
        let datagrams = try await DatagramBootstrap(group: group)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 2_048))
            .channelOption(.datagramVectorReadMessageCount, value: 32)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DNSDatagramHandler(responder))
                }
            }
            .bind(host: host, port: port).get()
        let connections = ConnectionCounts(limits)
        let idleTime = self.idleTime
        do {
            let streams = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 256)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let source = channel.remoteAddress?.ip, connections.enter(source) else {
                            throw ConnectionCounts.TooMany()
                        }
                        channel.closeFuture.whenComplete { _ in connections.leave(source) }
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: idleTime))
                        try pipeline.addHandler(DNSStreamHandler(responder, source))
                    }
                }
                .bind(host: host, port: datagrams.localAddress?.port ?? port).get()
            return Listeners(datagrams: datagrams, streams: streams)
        } catch {
            try await datagrams.close()
            throw error
        }
    }
}

extension SocketAddress {
    /// The address without its port.
    var ip: KubeNetwork.IPAddress? {
        let place: Range<Int>
        switch self {
        // sockaddr_in: family and port, two bytes each, then the address; sockaddr_in6 has four more bytes before it.
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket: return nil
        }
        return withSockAddr { address, size in
            let bytes = UnsafeRawBufferPointer(start: address, count: size)
            return bytes.count >= place.upperBound ? KubeNetwork.IPAddress(octets: bytes[place]) : nil
        }
    }
}
