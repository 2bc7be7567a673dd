import CZlib

/// Reads a gzip stream (RFC 1952), or one of bare deflate (RFC 1951), piece by piece.
///
/// Not for several tasks at once.
final class GzipDecoder {
    // zlib keeps the address of its stream, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let isReady: Bool
    private var isOver = false

    /// What is made of a piece at a time, at most, in bytes.
    private static let outputSize = 64 << 10

    /// Why bytes can't be read.
    struct Unsound: Error, CustomStringConvertible {
        let description = "gzip: invalid data"
    }

    init(isBare: Bool) {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        self.isReady = sampan_inflate_init(self.stream, isBare ? 1 : 0) == Z_OK
    }

    deinit {
        if self.isReady { inflateEnd(self.stream) }
        self.stream.deallocate()
    }

    /// Gives what a piece becomes, in pieces of its own: of little it may be very much, and nobody has to hold that.
    ///
    /// - Throws: ``Unsound``, or what `take` throws. What follows the stream's end is left out.
    func decode(_ piece: [UInt8], _ take: ([UInt8]) async throws -> Void) async throws {
        guard self.isReady else { throw Unsound() }
        var rest = piece
        while !self.isOver {
            let (output, used) = try self.step(&rest)
            if !output.isEmpty { try await take(output) }
            rest.removeFirst(used)
            if rest.isEmpty, output.count < Self.outputSize { return }
        }
    }

    private func step(_ input: inout [UInt8]) throws -> (output: [UInt8], used: Int) {
        let count = input.count
        var code: Int32 = Z_OK
        var left = 0
        let output = input.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: Self.outputSize) { output, made in
                self.stream.pointee.next_in = input.baseAddress
                self.stream.pointee.avail_in = UInt32(count)
                self.stream.pointee.next_out = output.baseAddress
                self.stream.pointee.avail_out = UInt32(Self.outputSize)
                code = CZlib.inflate(self.stream, Z_SYNC_FLUSH)
                left = Int(self.stream.pointee.avail_in)
                made = Self.outputSize - Int(self.stream.pointee.avail_out)
                self.stream.pointee.next_in = nil
                self.stream.pointee.next_out = nil
            }
        }
        if code == Z_STREAM_END { self.isOver = true }
        guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(code) else { throw Unsound() }
        return (output, count - left)
    }
}
