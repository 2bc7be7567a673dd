import KubeObject
import NIOCore
import NIOPosix
import Testing

@testable import KubeRuntime

/// Against ports of this process.
@Suite struct ContainerProberTests {
    private struct Told: Equatable {
        var kind: ProbeSettings.Kind
        var isSuccess: Bool
    }

    private static func listen(on port: Int) async throws -> any Channel {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1).bind(host: "127.0.0.1", port: port).get()
    }

    /// Its period is longer than the test may take.
    @Test(.timeLimit(.minutes(1)), arguments: ["startupProbe", "readinessProbe"])
    func aContainerThatListensAMomentLaterIsFoundReadyThen(_ key: String) async throws {
        let first = try await Self.listen(on: 0)
        let port = try #require(first.localAddress?.port)
        try await first.close()
        let probe: JSON = ["tcpSocket": ["port": .int(Int64(port))], "periodSeconds": 3600]
        let (told, telling) = AsyncStream<Told>.makeStream()
        let (failed, failing) = AsyncStream<String>.makeStream()
        let prober = ContainerProber(
            runner: HandlerRunner(client: try EngineClient(socket: "/nonexistent")),
            target: .init(containerID: "c", container: ContainerSpec(["name": "c", key: probe], .regular), podIP: "127.0.0.1"),
            report: { telling.yield(Told(kind: $0, isSuccess: $1)) }, unhealthy: { failing.yield($1) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await prober.run() }
            // The first attempt is refused, and told as a failure.
            var failures = failed.makeAsyncIterator()
            #expect(await failures.next()?.contains("connection refused") == true)
            let server = try await Self.listen(on: port)
            var verdicts = told.makeAsyncIterator()
            #expect(await verdicts.next() == Told(kind: key == "startupProbe" ? .startup : .readiness, isSuccess: true))
            try await server.close()
            group.cancelAll()
        }
        failing.finish()
        // Those in between were told to nobody.
        var rest: [String] = []
        for await failure in failed { rest.append(failure) }
        #expect(rest == [])
    }
}
