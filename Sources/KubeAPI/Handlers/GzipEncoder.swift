import CZlib
import Synchronization

/// A gzip stream (RFC 1952), or one of bare deflate (RFC 1951), at zlib's quickest level as upstream.
///
/// `@unchecked Sendable`: the stream is on the heap, known to this object only, and used inside the mutex.
final class GzipEncoder: @unchecked Sendable {
    private let stream: UnsafeMutablePointer<z_stream>
    private let isOpen = Mutex(true)

    /// Nil when there is no memory for it.
    init?(isBare: Bool = false) {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let begin = isBare ? sampan_deflate_init : sampan_gzip_init
        guard begin(self.stream, Z_BEST_SPEED) == Z_OK else {
            self.stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// What comes out for some more bytes; nothing follows the last.
    ///
    /// - Returns: nil when the stream was ended before.
    func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8]? {
        self.isOpen.withLock { isOpen in
            guard isOpen else { return nil }
            if isLast { isOpen = false }
            var input = bytes
            return input.withUnsafeMutableBufferPointer { input in
                self.stream.pointee.next_in = input.baseAddress
                self.stream.pointee.avail_in = UInt32(input.count)
                var output: [UInt8] = []
                var isDone = false
                while !isDone {
                    let room = Int(deflateBound(self.stream, uLong(self.stream.pointee.avail_in))) + 64
                    let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                        self.stream.pointee.next_out = buffer.baseAddress
                        self.stream.pointee.avail_out = UInt32(room)
                        let state = deflate(self.stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                        count = room - Int(self.stream.pointee.avail_out)
                        isDone =
                            state == Z_STREAM_END || self.stream.pointee.avail_out > 0 || (state != Z_OK && state != Z_BUF_ERROR)
                    }
                    output += chunk
                }
                return output
            }
        }
    }
}
