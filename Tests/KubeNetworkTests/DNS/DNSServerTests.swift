import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import KubeNetwork

/// The answerer on real sockets of the loopback, with resolvers made up.
struct DNSServerTests {
    private static let group = MultiThreadedEventLoopGroup.singleton

    private func with(
        _ resolvers: [SocketAddress] = [], isKnown: Bool = true, patience: TimeAmount = .milliseconds(300),
        limits: (perSource: Int, total: Int) = (128, 1_024), idleTime: TimeAmount = .seconds(10),
        learn: @escaping DNSResponder.Learn = { _, _, _, _, _ in nil },
        _ body: (UInt16) async throws -> Void
    ) async throws {
        let forwarder = DNSForwarder(group: Self.group, patience: patience, limits: limits)
        var configuration = ResolverConfiguration(parsing: "")
        configuration.servers = resolvers
        forwarder.use(configuration)
        let zone = ClusterZone(
            domain: DNSName("cluster.local")!, dnsAddress: "10.96.0.10",
            ownRanges: [IPRange("10.244.0.0/16")!, IPRange("10.96.0.0/12")!])
        let responder = DNSResponder(zone: zone, forwarder: forwarder, learn: learn) { _ in isKnown ? FakeDirectory.example : nil
        }
        var server = DNSServer(responder: responder, group: Self.group)
        server.idleTime = idleTime
        let listeners = try await listen(server)
        do {
            try await body(UInt16(listeners.port))
        } catch {
            await listeners.close()
            throw error
        }
        await listeners.close()
    }

    /// A port that is free for UDP may be somebody's for TCP: then another one is tried.
    private func listen(_ server: DNSServer) async throws -> DNSServer.Listeners {
        for _ in 0..<10 {
            do {
                return try await server.listen(host: "127.0.0.1", port: 0)
            } catch let error as IOError where error.errnoCode == EADDRINUSE {}
        }
        return try await server.listen(host: "127.0.0.1", port: 0)
    }

    private func ask(_ port: UInt16, _ query: DNSQuery, _ kind: TestSocket.Kind = .udp) async throws -> UpstreamAnswer? {
        try await exchange(port, query.bytes, kind).flatMap { UpstreamAnswer($0, to: query) }
    }

    private func query(_ name: String, _ type: DNSType = .a) throws -> DNSQuery {
        DNSQuery(id: .random(in: 0...(.max)), name: try #require(DNSName(name)), type: type)
    }

    /// Off the tasks' threads: these sockets block.
    private func exchange(_ port: UInt16, _ bytes: [UInt8], _ kind: TestSocket.Kind) async throws -> [UInt8]? {
        try await blocking {
            let socket = try TestSocket(kind, timeout: 3)
            defer { socket.close() }
            try socket.connect("127.0.0.1", port)
            try socket.send(kind == .udp ? bytes : [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes)
            guard kind == .tcp else { return try socket.receive() }
            var received: [UInt8] = []
            while received.count < 2 || received.count < 2 + Int(received[0]) << 8 + Int(received[1]) {
                let more = try socket.receive()
                guard !more.isEmpty else { return nil }
                received += more
            }
            return Array(received.dropFirst(2))
        }
    }

    private func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Swift.Result { try body() }) }.start()
        }
    }

    @Test(arguments: [TestSocket.Kind.udp, .tcp])
    func `answers over UDP and TCP`(_ kind: TestSocket.Kind) async throws {
        try await with { port in
            let answer = try await ask(port, query("web.default.svc.cluster.local"), kind)
            #expect(answer?.records.map(\.data) == [.a("10.96.0.50")])
        }
    }

    @Test func `refuses who isn't a pod`() async throws {
        try await with(isKnown: false) { port in
            let own = try await ask(port, query("web.default.svc.cluster.local"))
            let other = try await ask(port, query("example.com"), .tcp)
            #expect(own?.code == .refused && other?.code == .refused)
        }
    }

    @Test func `takes many questions on one connection, in pieces`() async throws {
        let first = try query("web.default.svc.cluster.local")
        let second = try query("kubernetes.default.svc.cluster.local")
        try await with { port in
            let received = try await blocking {
                let socket = try TestSocket(.tcp, timeout: 3)
                defer { socket.close() }
                try socket.connect("127.0.0.1", port)
                let bytes: [UInt8] = [first.bytes, second.bytes].flatMap { [0, UInt8($0.count)] + $0 }
                for piece in [Array(bytes.prefix(1)), Array(bytes[1..<20]), Array(bytes[20...])] {
                    try socket.send(piece)
                    usleep(20_000)
                }
                var received: [UInt8] = []
                while received.count < 80 { received += try socket.receive() }
                return received
            }
            let length = Int(received[1])
            #expect(UpstreamAnswer(Array(received[2..<2 + length]), to: first)?.records.map(\.data) == [.a("10.96.0.50")])
            #expect(UpstreamAnswer(Array(received[(4 + length)...]), to: second)?.records.map(\.data) == [.a("10.96.0.1")])
        }
    }

    @Test func `hangs up on who says nothing, and on who talks nonsense`() async throws {
        try await with(idleTime: .milliseconds(100)) { port in
            for bytes in [[], [0], [0, 3, 1, 2, 3]] as [[UInt8]] {
                let rest = try await blocking {
                    let socket = try TestSocket(.tcp, timeout: 3)
                    defer { socket.close() }
                    try socket.connect("127.0.0.1", port)
                    if !bytes.isEmpty { try socket.send(bytes) }
                    return try socket.receive()
                }
                #expect(rest.isEmpty)
            }
        }
    }

    @Test func `asks outside once, and remembers`() async throws {
        let asked = Mutex(0)
        let resolver = try await FakeResolver { query in
            asked.withLock { $0 += 1 }
            return [FakeResolver.reply(query, ["198.51.100.4"])]
        }
        try await with([resolver.address]) { port in
            for name in ["example.com", "EXAMPLE.com", "example.com"] {
                let answer = try await ask(port, query(name))
                #expect(answer?.records.map(\.data) == [.a("198.51.100.4")])
            }
        }
        #expect(asked.withLock { $0 } == 1)
        try await resolver.close()
    }

    @Test func `an answer waits until it's known whom it is about, fresh or remembered`() async throws {
        let resolver = try await FakeResolver { query in [FakeResolver.reply(query, ["198.51.100.4"])] }
        let told = Mutex<[String]>([])
        let learn: DNSResponder.Learn = { source, name, answer, age, loop in
            let promise = loop.makePromise(of: Void.self)
            loop.scheduleTask(in: .milliseconds(30)) {
                told.withLock { $0.append("\(source) \(name) \(answer.addresses(of: name).keys.sorted())") }
                promise.succeed()
            }
            return promise.futureResult
        }
        try await with([resolver.address], learn: learn) { port in
            for count in 1...2 {
                let answer = try await ask(port, query("Example.com"))
                #expect(answer?.records.map(\.data) == [.a("198.51.100.4")])
                #expect(told.withLock { $0 } == Array(repeating: "127.0.0.1 example.com. [198.51.100.4]", count: count))
            }
            // An alias within the cluster is asked for by the name that it stands for.
            _ = try await ask(port, query("out.default.svc.cluster.local"))
            #expect(told.withLock { $0.last } == "127.0.0.1 www.example.com. [198.51.100.4]")
            // The cluster's own names are nobody else's business.
            _ = try await ask(port, query("web.default.svc.cluster.local"))
            #expect(told.withLock { $0.count } == 3)
        }
        try await resolver.close()
    }

    @Test func `who can't learn is answered all the same`() async throws {
        let resolver = try await FakeResolver { query in [FakeResolver.reply(query, ["198.51.100.4"])] }
        struct Broken: Error {}
        let learn: DNSResponder.Learn = { _, _, _, _, loop in loop.makeFailedFuture(Broken()) }
        try await with([resolver.address], learn: learn) { port in
            for _ in 0..<2 {
                let answer = try await ask(port, query("example.com"))
                #expect(answer?.records.map(\.data) == [.a("198.51.100.4")])
            }
        }
        try await resolver.close()
    }

    @Test func `a silent resolver is passed over, a wrong answer isn't believed`() async throws {
        let silent = try await FakeResolver { _ in [] }
        let liar = try await FakeResolver { query in
            var wrong = query
            wrong.id &+= 1
            var other = query
            other.name = DNSName("example.org")!
            return [
                FakeResolver.reply(wrong, ["203.0.113.66"]), FakeResolver.reply(other, ["203.0.113.66"]), [1, 2, 3],
                FakeResolver.reply(query, ["198.51.100.4"]),
            ]
        }
        try await with([silent.address, liar.address]) { port in
            let answer = try await ask(port, query("example.com"))
            #expect(answer?.records.map(\.data) == [.a("198.51.100.4")])
        }
        try await silent.close()
        try await liar.close()
    }

    @Test func `without a resolver that answers, the failure is said`() async throws {
        let silent = try await FakeResolver { _ in [] }
        for resolvers in [[], [silent.address], [try SocketAddress(ipAddress: "127.0.0.1", port: 9)]] {
            try await with(resolvers) { port in
                for kind in [TestSocket.Kind.udp, .tcp] {
                    let answer = try await ask(port, query("example.com"), kind)
                    #expect(answer?.code == .serverFailure)
                }
            }
        }
        try await silent.close()
    }

    @Test func `an external name is followed`() async throws {
        let resolver = try await FakeResolver { query in
            query.name == DNSName("www.example.com") ? [FakeResolver.reply(query, ["198.51.100.4", "198.51.100.5"])] : []
        }
        try await with([resolver.address]) { port in
            let answer = try await ask(port, query("out.default.svc.cluster.local"))
            #expect(answer?.records.map(\.type) == [.cname, .a, .a])
        }
        try await with([]) { port in
            let answer = try await ask(port, query("out.default.svc.cluster.local"))
            #expect(answer?.records.map(\.type) == [.cname])
        }
        try await resolver.close()
    }

    @Test func `a pod has only so many questions under way`() async throws {
        let silent = try await FakeResolver { _ in [] }
        try await with([silent.address], patience: .seconds(2), limits: (3, 10)) { port in
            let codes = try await withThrowingTaskGroup { group in
                for index in 0..<8 { group.addTask { [self] in try await ask(port, query("x\(index).example.com"))?.code } }
                // The refused ones answer at once, long before the others' time is up.
                var early: [DNSCode?] = []
                for _ in 0..<5 { early.append(try await group.next() ?? nil) }
                group.cancelAll()
                return early
            }
            #expect(codes == Array(repeating: .serverFailure, count: 5))
        }
        try await silent.close()
    }
}

/// A resolver on a port of the loopback that says what it's told to.
struct FakeResolver {
    let channel: any Channel
    var address: SocketAddress { channel.localAddress! }

    init(
        host: String = "127.0.0.1", port: Int = 0, _ answers: @escaping @Sendable (DNSQuery) -> [[UInt8]]
    ) async throws {
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answers))
                }
            }
            .bind(host: host, port: port).get()
    }

    func close() async throws { try await channel.close() }

    static func reply(_ query: DNSQuery, _ addresses: [IPAddress]) -> [UInt8] {
        var reply = DNSReply(.noError)
        reply.answers = addresses.map { DNSRecord(name: query.name, ttl: 60, data: .a($0)) }
        return reply.bytes(to: query, isDatagram: false)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>
        let answers: (DNSQuery) -> [[UInt8]]

        init(_ answers: @escaping @Sendable (DNSQuery) -> [[UInt8]]) { self.answers = answers }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            guard let query = try? DNSQuery(Array(envelope.data.readableBytesView)) else { return }
            for answer in answers(query) {
                let buffer = context.channel.allocator.buffer(bytes: answer)
                context.writeAndFlush(
                    wrapOutboundOut(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: buffer)), promise: nil)
            }
        }
    }
}
