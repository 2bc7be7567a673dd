import KubeObject
import Synchronization

@testable import KubeAPI

/// Frames as a client writes them. Not for several tasks at once.
final class SPDYPeer {
    private let deflater = HeaderDeflater()

    func open(_ stream: UInt32, _ headers: [(String, String)], flags: UInt8 = 0) throws -> [UInt8] {
        try self.open(stream, block: SPDYHeaders.encode(headers.map { (name: $0.0, value: $0.1) }), flags: flags)
    }

    func open(_ stream: UInt32, block: [UInt8], flags: UInt8 = 0) throws -> [UInt8] {
        let compressed = try self.deflater.deflate(block)
        return SPDYFrame.control(.synStream, flags: flags, Int(stream).bigEndianBytes + [0, 0, 0, 0, 0, 0] + compressed)
    }

    static func data(_ stream: UInt32, _ text: String, isLast: Bool = false) -> [UInt8] {
        SPDYFrame.data(stream, Array(text.utf8)[...], isLast: isLast)
    }
}

/// A frame that the server wrote.
struct SentFrame: Equatable, CustomStringConvertible {
    /// Of a control frame; nil for data.
    var kind: UInt16?
    var stream: UInt32
    var isLast: Bool
    var payload: [UInt8]

    var text: String { String(decoding: self.payload, as: UTF8.self) }
    var description: String { "\(self.kind.map { "control \($0)" } ?? "data") \(self.stream) \(self.isLast) \(self.payload)" }

    /// The whole frames in some bytes.
    static func parse(_ bytes: [UInt8]) -> [SentFrame] {
        var frames: [SentFrame] = []
        var rest = bytes[...]
        while rest.count >= 8 {
            let head = Array(rest.prefix(8))
            let length = Int(head[5]) << 16 | Int(head[6]) << 8 | Int(head[7])
            guard rest.count >= 8 + length else { break }
            let payload = Array(rest.dropFirst(8).prefix(length))
            let isControl = head[0] & 0x80 != 0
            let numbers = isControl ? payload : head
            let stream = numbers.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
            frames.append(
                SentFrame(
                    kind: isControl ? UInt16(head[2]) << 8 | UInt16(head[3]) : nil, stream: stream, isLast: head[4] & 1 != 0,
                    payload: payload))
            rest = rest.dropFirst(8 + length)
        }
        return frames
    }
}

/// A connection whose client is a test.
final class FakeTransport: ByteSession {
    private let incoming = ByteHandoff()
    private let outgoing = Mutex<[UInt8]>([])

    func send(_ bytes: [UInt8]) async throws {
        self.outgoing.withLock { $0 += bytes }
    }

    func receive() async throws -> [UInt8]? {
        var iterator = self.incoming.makeAsyncIterator()
        return try await iterator.next()
    }

    func say(_ bytes: [UInt8]) async { await self.incoming.give(bytes) }
    func hangUp() { self.incoming.finish() }

    var frames: [SentFrame] { SentFrame.parse(self.outgoing.withLock { $0 }) }

    /// What was sent on a stream, and whether its end was.
    func output(_ stream: UInt32) -> (text: String, isFinished: Bool) {
        let frames = self.frames.filter { $0.kind == nil && $0.stream == stream }
        return (frames.map(\.text).joined(), frames.contains(where: \.isLast))
    }

    /// Waits until the server has sent something that meets a condition.
    func until(_ condition: (FakeTransport) -> Bool) async throws {
        while !condition(self) { try await Task.sleep(for: .milliseconds(1)) }
    }
}

/// Reproducible numbers (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
