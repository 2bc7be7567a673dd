import NIOCore
import Synchronization

/// A connection that was taken. NIO ends the program when a channel is dropped that nobody closed, as is one that comes while the server
/// stops: such a one is closed when it is dropped.
final class HeldConnection: Sendable {
    typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let bytes: Bytes
    private let isServed = Atomic(false)

    /// - Parameter channel: whose event loop this is called in.
    init(_ channel: any Channel) throws {
        self.bytes = try Bytes(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    /// Closes it afterwards. To be called once.
    func serve(
        _ body: (any Channel, NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws ->
            Void
    ) async throws {
        isServed.store(true, ordering: .relaxed)
        try await bytes.executeThenClose { try await body(bytes.channel, $0, $1) }
    }

    deinit {
        guard !isServed.load(ordering: .relaxed) else { return }
        let bytes = bytes
        Task { try? await bytes.executeThenClose { _, _ in } }
    }
}
