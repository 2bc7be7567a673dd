import NIOCore
import NIOEmbedded
import Testing

@testable import HTTP2Frames

struct HTTP2FrameAlignerTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ length: Int, type: UInt8 = 0) -> [UInt8] {
        let header = [UInt8(length >> 16), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), type, 0, 0, 0, 0, 1]
        return header + (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    }

    /// What comes out for pieces, piece by piece, and the most that was held in between.
    private static func run(_ peer: HTTP2FrameAligner.Peer, _ pieces: [[UInt8]]) throws -> (out: [[UInt8]], held: Int) {
        let aligner = HTTP2FrameAligner(from: peer)
        let channel = EmbeddedChannel(handler: aligner)
        var out: [[UInt8]] = []
        var held = 0
        for piece in pieces {
            try channel.writeInbound(ByteBuffer(bytes: piece))
            held = max(held, aligner.held)
            while let next = try channel.readInbound(as: ByteBuffer.self) { out.append(Array(next.readableBytesView)) }
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
        return (out, held)
    }

    /// Whether bytes are whole frames.
    private static func areFrames(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(3))
            let size = 9 + Int(head[0]) << 16 + Int(head[1]) << 8 + Int(head[2])
            guard rest.count >= size else { return false }
            rest = rest.dropFirst(size)
        }
        return rest.isEmpty
    }

    @Test(arguments: [1, 2, 5, 8, 9, 10, 23, 24, 25, 100, 4096, 16_393, 16_394, 65_536, 1 << 20])
    func howeverBytesComeFramesAreWhole(_ size: Int) throws {
        let lengths = [0, 4, 0, 16_384, 1, 16_383, 8, 16_384, 16_384, 300, 0]
        let all = Self.preface + lengths.flatMap { Self.frame($0) }
        let pieces = stride(from: 0, to: all.count, by: size).map { Array(all[$0..<min($0 + size, all.count)]) }
        let (out, held) = try Self.run(.client, pieces)
        #expect(Array(out.joined()) == all)
        // The preface may come in pieces: what follows it are frames.
        var seen = 0
        for piece in out {
            defer { seen += piece.count }
            if seen < Self.preface.count {
                #expect(seen + piece.count <= Self.preface.count)
            } else {
                #expect(Self.areFrames(piece) && piece.count <= 16_393, "\(piece.count)")
            }
        }
        #expect(held < 16_393)
    }

    /// A peer that never ends a piece with a frame has nothing held but the frame's beginning.
    @Test(arguments: [1, 5, 8, 9, 10_000]) func nothingPilesUp(_ cut: Int) throws {
        let frame = Self.frame(16_368, type: 0xfa)
        let piece = Array(frame[cut...]) + frame[..<cut]
        let (out, held) = try Self.run(.server, [Array(frame[..<cut])] + Array(repeating: piece, count: 50))
        #expect(out.count == 50 && out.allSatisfy { $0 == frame })
        #expect(held == cut)
    }

    @Test func smallFramesGoTogether() throws {
        let (out, _) = try Self.run(.server, [(0..<100).flatMap { _ in Self.frame(8) }])
        #expect(out.count == 1)
    }

    /// What is too long is the HTTP/2 handler's business, and everything after it.
    @Test(arguments: [3, 9, 20, 100]) func longFramesAreHandedOn(_ size: Int) throws {
        let all = Self.frame(4) + Self.frame(16_385) + Self.frame(4)
        let pieces = stride(from: 0, to: all.count, by: size).map { Array(all[$0..<min($0 + size, all.count)]) }
        let (out, held) = try Self.run(.server, pieces)
        #expect(Array(out.joined()) == all)
        #expect(held < 13)
    }
}
