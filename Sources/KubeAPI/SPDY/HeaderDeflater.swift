import CZlib

/// Compresses the header blocks of one connection's one direction.
///
/// Not for several tasks at once.
package final class HeaderDeflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private let isReady: Bool

    package init() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The smallest window that holds the dictionary: what is sent is a handful of bytes.
        var isReady =
            deflateInit2_(stream, 1, Z_DEFLATED, 11, 2, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            == Z_OK
        if isReady {
            isReady = SPDYDictionary.bytes.withUnsafeBufferPointer {
                deflateSetDictionary(stream, $0.baseAddress, UInt32($0.count)) == Z_OK
            }
        }
        self.stream = stream
        self.isReady = isReady
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// - Throws: when there is no memory for it.
    package func deflate(_ block: [UInt8]) throws(SPDYError) -> [UInt8] {
        guard self.isReady else { throw .headers("zlib is out of memory") }
        var input = block
        // A flush ends with a few bytes that the bound doesn't know of.
        var output = [UInt8](repeating: 0, count: Int(deflateBound(self.stream, UInt(input.count))) + 16)
        let (code, left, free) = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                self.stream.pointee.next_in = input.baseAddress
                self.stream.pointee.avail_in = UInt32(input.count)
                self.stream.pointee.next_out = output.baseAddress
                self.stream.pointee.avail_out = UInt32(output.count)
                let code = CZlib.deflate(self.stream, Z_SYNC_FLUSH)
                self.stream.pointee.next_in = nil
                self.stream.pointee.next_out = nil
                return (code, Int(self.stream.pointee.avail_in), Int(self.stream.pointee.avail_out))
            }
        }
        guard code == Z_OK, left == 0, free > 0 else { throw .headers("headers could not be compressed") }
        output.removeLast(free)
        return output
    }
}
