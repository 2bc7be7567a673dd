import NIOCore
import NIOPosix
import Testing

@testable import KubeNetwork

struct HeldConnectionTests {
    /// It would end the program otherwise.
    @Test(arguments: [false, true]) func isClosedWhetherServedOrDropped(isServed: Bool) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0) { channel in
            channel.eventLoop.makeCompletedFuture { try HeldConnection(channel) }
        }
        try await listener.executeThenClose { connections in
            let client = try await ClientBootstrap(group: group).connect(to: try #require(listener.channel.localAddress)).get()
            for try await connection in connections {
                if isServed { try await connection.serve { channel, _, _ in #expect(channel.isActive) } }
                break
            }
            try await client.closeFuture.get()
        }
    }
}
