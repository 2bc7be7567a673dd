import NIOCore
import NIOPosix

/// Asks our own answerer over the loopback, with clients in the same process: the machine's cores do both.
struct DNSBenchmark: Sendable {
    let questions: Int
    let clients: Int

    /// A cluster with one service.
    private struct Directory: DNSDirectory {
        var revision: UInt64 { 1 }
        func hasNamespace(_ name: String) -> Bool { name == "default" }
        func service(_ name: ServiceName) -> NamedService? {
            .cluster(
                addresses: [IPAddress(number: 0x0A60_0032)],
                ports: [ServiceFacts.Port(name: "http", transport: .tcp, number: 80, nodePort: nil)])
        }
        func slices(of name: ServiceName) -> [SliceFacts] { [] }
        func service(at address: IPAddress) -> ServiceName? { nil }
        func endpoints(at address: IPAddress) -> [(service: ServiceName, endpoint: SliceFacts.Endpoint)] { [] }
    }

    func run() async throws -> NetworkBenchmark.Measurement {
        let group = MultiThreadedEventLoopGroup.singleton
        guard let domain = DNSName("cluster.local"), let name = DNSName("web.default.svc.cluster.local") else {
            throw BadClusterDomain(text: "cluster.local")
        }
        let zone = ClusterZone(domain: domain, dnsAddress: IPAddress(number: 0x0A60_000A), ownRanges: [])
        let responder = DNSResponder(zone: zone, forwarder: DNSForwarder(group: group)) { _ in Directory() }
        let listeners = try await DNSServer(responder: responder, group: group).listen(host: "127.0.0.1", port: 0)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: listeners.port)
        let clock = ContinuousClock()
        let begin = clock.now
        let latencies = try await withThrowingTaskGroup { tasks in
            for _ in 0..<clients {
                tasks.addTask {
                    let loop = group.next()
                    let done = loop.makePromise(of: [Duration].self)
                    let channel = try await DatagramBootstrap(group: loop)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(
                                    DNSBenchmarkClient(name, questions / clients, done))
                            }
                        }
                        .connect(to: address).get()
                    let latencies = try await done.futureResult.get()
                    try await channel.close()
                    return latencies
                }
            }
            return try await tasks.reduce(into: []) { $0 += $1 }
        }
        let elapsed = clock.now - begin
        await listeners.close()
        return NetworkBenchmark.Measurement(
            "DNS questions for a service", concurrency: clients, elapsed: elapsed, latencies: latencies)
    }
}

/// Asks the next question when the last one is answered.
private final class DNSBenchmarkClient: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let bytes: [UInt8]
    private let done: EventLoopPromise<[Duration]>
    private var left: Int
    private var asked = ContinuousClock.now
    private var latencies: [Duration] = []

    init(_ name: DNSName, _ count: Int, _ done: EventLoopPromise<[Duration]>) {
        bytes = DNSQuery(id: 1, name: name, type: .a).bytes
        left = count
        self.done = done
    }

    func channelActive(context: ChannelHandlerContext) { ask(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        latencies.append(ContinuousClock.now - asked)
        ask(context)
    }

    private func ask(_ context: ChannelHandlerContext) {
        guard left > 0, let remote = context.channel.remoteAddress else {
            done.succeed(latencies)
            return
        }
        left -= 1
        asked = .now
        let buffer = context.channel.allocator.buffer(bytes: bytes)
        context.writeAndFlush(wrapOutboundOut(AddressedEnvelope(remoteAddress: remote, data: buffer)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
    }
}
