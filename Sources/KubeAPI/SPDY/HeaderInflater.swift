import CZlib

/// Decompresses the header blocks of one connection's one direction, whose compression goes on from block to block.
///
/// Not for several tasks at once.
final class HeaderInflater {
    // zlib keeps the address of its stream, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let isReady: Bool

    init() {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        self.isReady = inflateInit_(self.stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if self.isReady { inflateEnd(self.stream) }
        self.stream.deallocate()
    }

    /// - Parameter limit: the most bytes that a block may become; no more than that (and one) are ever made.
    /// - Throws: when the block isn't sound or becomes larger; the connection is of no use then, as what follows can't be read.
    func inflate(_ block: [UInt8], limit: Int) throws(SPDYError) -> [UInt8] {
        guard self.isReady else { throw .headers("zlib is out of memory") }
        var input = block
        var output = [UInt8](repeating: 0, count: limit + 1)
        let (code, left, free) = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                self.stream.pointee.next_in = input.baseAddress
                self.stream.pointee.avail_in = UInt32(input.count)
                self.stream.pointee.next_out = output.baseAddress
                self.stream.pointee.avail_out = UInt32(output.count)
                var code = CZlib.inflate(self.stream, Z_SYNC_FLUSH)
                if code == Z_NEED_DICT {
                    code = SPDYDictionary.bytes.withUnsafeBufferPointer {
                        inflateSetDictionary(self.stream, $0.baseAddress, UInt32($0.count))
                    }
                    if code == Z_OK { code = CZlib.inflate(self.stream, Z_SYNC_FLUSH) }
                }
                self.stream.pointee.next_in = nil
                self.stream.pointee.next_out = nil
                return (code, Int(self.stream.pointee.avail_in), Int(self.stream.pointee.avail_out))
            }
        }
        guard free > 0 else { throw .headers("a block of headers becomes larger than \(limit) bytes") }
        guard code == Z_OK || code == Z_BUF_ERROR, left == 0 else {
            throw .headers("a block of headers isn't compressed soundly")
        }
        output.removeLast(free)
        return output
    }
}
