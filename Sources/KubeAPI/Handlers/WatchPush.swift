import KubeObject
import KubeRegistry
import NIOCore
import Synchronization

/// A watch's events as what its wire fetches: encoded, and cut for it, once for all who watch the same.
final class WatchPush: PushSource {
    /// More are encoded piece by piece.
    private static let batchLimit = 64
    private static let chunkSize = 64 << 10

    private let stream: WatchStream
    private let encoder: WatchEncoder
    /// The names of what watches of this kind share.
    private let forms: (bare: String, chunk: String)
    /// What is left of a large batch.
    private let rest = Mutex<ArraySlice<WatchEvent>>([])

    /// - Parameter encoder: to plain objects.
    init(_ stream: WatchStream, _ encoder: WatchEncoder) {
        self.stream = stream
        self.encoder = encoder
        let coding = encoder.representation.coding.mediaType
        self.forms = (coding, "chunk of \(coding)")
    }

    func take(_ framing: PushFraming) -> PushStep {
        do throws(StatusError) {
            if let piece = try self.pieceOfRest() { return .bytes(framing.frame(piece)) }
            switch self.stream.take() {
            case .nothing: return .nothing
            case .ended(let events): return .end(framing.frame(try self.encode(events)))
            case .batch(let batch):
                guard batch.count <= Self.batchLimit else {
                    self.rest.withLock { $0 = batch.events[...] }
                    return self.take(framing)
                }
                let form = if case .chunk = framing { self.forms.chunk } else { self.forms.bare }
                return .bytes(
                    try batch.encoding(form) { events throws(StatusError) in framing.frame(try self.encode(events)) })
            }
        } catch {
            return .end(framing.frame(ByteBuffer(bytes: WatchBody.failure(error))))
        }
    }

    func listen(_ listener: @escaping @Sendable () -> Void) { self.stream.listen(listener) }

    func finish() { self.stream.finish() }

    private func encode(_ events: some Sequence<WatchEvent>) throws(StatusError) -> ByteBuffer {
        var encoded: [[UInt8]] = []
        for event in events { encoded.append(try self.encoder.encode(event)) }
        var buffer = ByteBufferAllocator().buffer(capacity: encoded.reduce(0) { $0 + $1.count })
        for bytes in encoded { buffer.writeBytes(bytes) }
        return buffer
    }

    private func pieceOfRest() throws(StatusError) -> ByteBuffer? {
        var rest = self.rest.withLock { $0 }
        guard !rest.isEmpty else { return nil }
        var buffer = ByteBuffer()
        while buffer.readableBytes < Self.chunkSize, let event = rest.popFirst() {
            buffer.writeBytes(try self.encoder.encode(event))
        }
        self.rest.withLock { $0 = rest }
        return buffer
    }
}
