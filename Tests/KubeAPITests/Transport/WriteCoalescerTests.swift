import NIOCore
import NIOEmbedded
import Testing

@testable import KubeAPI

struct WriteCoalescerTests {
    private static func channel(waitsForOthers: Bool = false) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(WriteCoalescer(waitsForOthers: waitsForOthers))
        return channel
    }

    private static func written(_ channel: EmbeddedChannel) throws -> [String] {
        var texts: [String] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { texts.append(String(buffer: buffer)) }
        return texts
    }

    @Test func joinsWhatIsFlushedTogether() throws {
        let channel = try Self.channel()
        for text in ["a", "", "b", "c"] { channel.write(ByteBuffer(string: text), promise: nil) }
        #expect(try Self.written(channel) == [])
        channel.flush()
        #expect(try Self.written(channel) == ["abc"])
        channel.writeAndFlush(ByteBuffer(string: "d"), promise: nil)
        channel.flush()
        #expect(try Self.written(channel) == ["d"])
        #expect(try channel.finish().isClean)
    }

    @Test func joinsWhatSeveralStreamsFlush() throws {
        let channel = try Self.channel(waitsForOthers: true)
        for text in ["a", "b", "c"] { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        #expect(try Self.written(channel) == [])
        channel.embeddedEventLoop.run()
        #expect(try Self.written(channel) == ["abc"])
        channel.writeAndFlush(ByteBuffer(string: "d"), promise: nil)
        channel.embeddedEventLoop.run()
        #expect(try Self.written(channel) == ["d"])
        _ = try channel.finish()
    }

    @Test func writesWhatWasFlushedBeforeItCloses() throws {
        let channel = try Self.channel(waitsForOthers: true)
        channel.writeAndFlush(ByteBuffer(string: "last"), promise: nil)
        channel.close(promise: nil)
        #expect(try Self.written(channel) == ["last"])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func neverChangesABufferOfItsCaller() throws {
        let channel = try Self.channel()
        let shared = ByteBuffer(string: "shared")
        channel.write(shared, promise: nil)
        channel.write(ByteBuffer(string: "-more"), promise: nil)
        channel.write(shared, promise: nil)
        channel.flush()
        #expect(try Self.written(channel) == ["shared-moreshared"])
        #expect(String(buffer: shared) == "shared")
        _ = try channel.finish()
    }

    @Test func passesLargePiecesOnAndKeepsTheOrder() throws {
        let channel = try Self.channel()
        let large = String(repeating: "x", count: WriteCoalescer.limit)
        for text in ["a", "b", large, "c", large, "d"] { channel.write(ByteBuffer(string: text), promise: nil) }
        channel.flush()
        #expect(try Self.written(channel) == ["ab", large, "c", large, "d"])
        _ = try channel.finish()
    }

    @Test func neverHoldsMoreThanARecord() throws {
        let channel = try Self.channel()
        let piece = String(repeating: "x", count: 1000)
        for _ in 0..<40 { channel.write(ByteBuffer(string: piece), promise: nil) }
        channel.flush()
        let sizes = try Self.written(channel).map(\.utf8.count)
        #expect(sizes.reduce(0, +) == 40_000)
        #expect(sizes.allSatisfy { $0 <= WriteCoalescer.limit })
        #expect(sizes.count == 3)
        _ = try channel.finish()
    }

    @Test func fulfilsEveryPromiseWithTheWrite() throws {
        let channel = try Self.channel()
        let promises = (0..<3).map { _ in channel.eventLoop.makePromise(of: Void.self) }
        for promise in promises { channel.write(ByteBuffer(string: "a"), promise: promise) }
        let fulfilled = NIOLoopBoundBox(0, eventLoop: channel.eventLoop)
        for promise in promises { promise.futureResult.whenSuccess { fulfilled.value += 1 } }
        channel.flush()
        #expect(fulfilled.value == 3)
        _ = try channel.finish()
    }
}
