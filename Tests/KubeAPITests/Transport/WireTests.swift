import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import KubeAPI

struct WireTests {
    private let channel = NIOAsyncTestingChannel()

    private static func body(_ text: String) -> InboundPart { .body(ByteBuffer(string: text)) }

    private static func text(_ part: InboundPart?) -> String? {
        if case .body(let bytes) = part { String(buffer: bytes) } else { nil }
    }

    private func connected() async throws -> Wire {
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        return try await channel.testingEventLoop.executeInContext { try Wire(channel) }
    }

    // MARK: Its end

    @Test func isClosedWhenNobodyServesIt() async throws {
        do {
            let wire = try await connected()
            #expect(!wire.closed.hasFired)
        }
        try await channel.closeFuture.get()
    }

    @Test func isClosedWhenServed() async throws {
        let wire = try await connected()
        try await wire.serve { #expect(channel.isActive) }
        try await channel.closeFuture.get()
        await wire.closed.wait()
        #expect(wire.closed.hasFired)
    }

    @Test func isClosedWhenItsServiceFails() async throws {
        let wire = try await connected()
        await #expect(throws: WireError.self) { try await wire.serve { throw WireError.tooLarge } }
        try await channel.closeFuture.get()
    }

    // MARK: What comes

    @Test func partsComeInTheirOrderThenTheEnd() async throws {
        let wire = try await connected()
        try await channel.writeInbound(Self.body("a"))
        try await channel.writeInbound(InboundPart.end)
        try await channel.writeInbound(Self.body("b"))
        #expect(Self.text(try await wire.next()) == "a")
        guard case .end = try await wire.next() else { throw WireError.unexpectedPart }
        #expect(Self.text(try await wire.next()) == "b")
        async let next = wire.next()
        try await channel.writeInbound(Self.body("c"))
        #expect(Self.text(try await next) == "c")
        try await channel.writeInbound(Self.body("d"))
        try await channel.close()
        #expect(Self.text(try await wire.next()) == "d")
        #expect(try await wire.next() == nil)
        #expect(try await wire.next() == nil)
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await wire.write(.end) }
    }

    /// A client that sends every byte by itself doesn't have the server keep a part for each.
    @Test func bytesThatWaitAreJoined() async throws {
        let wire = try await connected()
        let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        for piece in stride(from: 0, to: bytes.count, by: 50) {
            try await channel.writeInbound(InboundPart.body(ByteBuffer(bytes: bytes[piece..<piece + 50])))
        }
        try await channel.writeInbound(InboundPart.end)
        var (sizes, seen) = ([Int](), [UInt8]())
        while case .body(let part) = try await wire.next() {
            sizes.append(part.readableBytes)
            seen += part.readableBytesView
        }
        #expect(seen == bytes)
        #expect(sizes == [16_350, 16_350, 7_300])
    }

    @Test func whatBreaksTheChannelIsThrown() async throws {
        let wire = try await connected()
        try await channel.writeInbound(Self.body("a"))
        try await channel.testingEventLoop.executeInContext { channel.pipeline.fireErrorCaught(WireError.tooLarge) }
        #expect(Self.text(try await wire.next()) == "a")
        await #expect(throws: WireError.tooLarge) { try await wire.next() }
    }

    @Test func whoWaitsIsCancelled() async throws {
        let wire = try await connected()
        let reader = Task { try await wire.next() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        // What comes later isn't lost.
        try await channel.writeInbound(Self.body("a"))
        #expect(Self.text(try await wire.next()) == "a")
    }

    /// Counts how often the channel reads.
    private final class Reads: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = Never
        private let counter = Atomic(0)
        var count: Int { counter.load(ordering: .relaxed) }
        func read(context: ChannelHandlerContext) {
            counter.add(1, ordering: .relaxed)
            context.read()
        }
    }

    @Test func nothingIsReadWhileMuchWaits() async throws {
        let reads = Reads()
        try await channel.pipeline.addHandler(reads)
        let wire = try await connected()
        let large = String(repeating: "x", count: 10_000)
        for number in 1...10 { try await channel.writeInbound(Self.body("\(number)" + large)) }
        let before = reads.count
        try await channel.testingEventLoop.executeInContext { channel.read() }
        #expect(reads.count == before)
        for number in 1...7 { #expect(Self.text(try await wire.next()) == "\(number)" + large) }
        try await channel.testingEventLoop.executeInContext {}
        #expect(reads.count == before)
        #expect(Self.text(try await wire.next()) == "8" + large)
        try await channel.testingEventLoop.executeInContext {}
        #expect(reads.count == before + 1)
    }

    // MARK: What goes

    @Test func partsGoInTheirOrder() async throws {
        let wire = try await connected()
        for number in 0..<100 { try await wire.write(.body(ByteBuffer(string: "\(number)"))) }
        for number in 0..<100 {
            guard case .body(let bytes) = try await channel.waitForOutboundWrite(as: OutboundPart.self) else {
                Issue.record("no body")
                return
            }
            #expect(String(buffer: bytes) == "\(number)")
        }
    }

    @Test func whatWasWrittenGoesBeforeTheEnd() async throws {
        let wire = try await connected()
        try await wire.serve { for _ in 0..<5 { try await wire.write(contentsOf: [.body(ByteBuffer()), .end]) } }
        try await channel.closeFuture.get()
        for _ in 0..<10 { #expect(try await channel.readOutbound(as: OutboundPart.self) != nil) }
    }

    @Test func whoWritesWaitsWhileTheChannelIsFull() async throws {
        let wire = try await connected()
        func set(_ isWritable: Bool) async throws {
            channel.isWritable = isWritable
            try await channel.testingEventLoop.executeInContext { channel.pipeline.fireChannelWritabilityChanged() }
        }
        try await set(false)
        let writers = (0..<3).map { _ in Task { try await wire.write(.end) } }
        for _ in writers { _ = try await channel.waitForOutboundWrite(as: OutboundPart.self) }
        writers[0].cancel()
        await #expect(throws: CancellationError.self) { try await writers[0].value }
        try await set(true)
        for writer in writers.dropFirst() { try await writer.value }

        try await set(false)
        let last = Task { try await wire.write(.end) }
        _ = try await channel.waitForOutboundWrite(as: OutboundPart.self)
        try await channel.close()
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await last.value }
    }
}
