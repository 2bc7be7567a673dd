package import NIOCore

/// Bytes that come from time to time, and that the event loop of their wire fetches and sends: no task waits for them, so that an event for
/// a thousand watchers changes threads once a loop and not a thousand times.
package protocol PushSource: Sendable {
    /// What waits. On the wire's event loop: it takes a moment at most.
    ///
    /// The same bytes may be given to many wires: they are never changed.
    func take(_ framing: PushFraming) -> PushStep

    /// Has `listener` be told, once after `take` gave `.nothing`, that there is more. It is called on any thread.
    func listen(_ listener: @escaping @Sendable () -> Void)

    /// Ends it: nothing more is wanted.
    func finish()
}

package enum PushStep {
    case bytes(ByteBuffer)
    case nothing
    /// These are the last ones.
    case end(ByteBuffer)
}

/// How a wire has its bytes cut, so that this too is done once for many.
package enum PushFraming: Sendable {
    case none
    /// As a chunk of HTTP/1.1's transfer coding.
    case chunk

    /// - Parameter bytes: at least one.
    func frame(_ bytes: ByteBuffer) -> ByteBuffer {
        guard case .chunk = self, bytes.readableBytes > 0 else { return bytes }
        let size = String(bytes.readableBytes, radix: 16)
        var framed = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + size.utf8.count + 4)
        framed.writeString(size)
        framed.writeStaticString("\r\n")
        framed.writeImmutableBuffer(bytes)
        framed.writeStaticString("\r\n")
        return framed
    }
}

/// A writer whose wire can fetch what is to be written.
protocol PushingWriter: ResponseWriter {
    /// Sends what the source gives, in its turn; returns when it has ended, or the task is cancelled, which ends it.
    /// - Throws: when the peer is gone.
    func push(_ source: any PushSource) async throws
}
