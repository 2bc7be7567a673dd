/// Bytes that came in pieces, read from the beginning. Each piece is let go of when it has been read, so that what is made of an archive doesn't need
/// its room beside the archive's.
struct ArchivePieces: Sendable {
    private var pieces: [[UInt8]]
    /// Which piece is read, and how much of it was.
    private var index = 0
    private var offset = 0
    /// How many bytes are still to be read.
    private(set) var count: Int

    init(pieces: [[UInt8]]) {
        self.pieces = pieces
        count = pieces.reduce(0) { $0 + $1.count }
    }

    init(_ bytes: [UInt8]) { self.init(pieces: [bytes]) }

    /// The next bytes; nil, and nothing is read, when there are fewer.
    mutating func take(_ length: Int) -> [UInt8]? {
        guard (0...count).contains(length) else { return nil }
        var taken: [UInt8] = []
        taken.reserveCapacity(length)
        while taken.count < length {
            let end = min(offset + length - taken.count, pieces[index].count)
            taken += pieces[index][offset..<end]
            offset = end
            guard offset == pieces[index].count else { continue }
            pieces[index] = []
            index += 1
            offset = 0
        }
        count -= length
        return taken
    }

    /// Whether what comes next is this. Nothing is read by asking.
    func starts(with prefix: [UInt8]) -> Bool {
        var copy = self
        return copy.take(prefix.count) == prefix
    }

    /// Looks at all that is still to be read but for the last bytes, and reads none of it.
    func forEach(except last: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        var rest = count - last
        var start = offset
        for piece in pieces[min(index, pieces.count)...] where rest > 0 {
            let length = min(piece.count - start, rest)
            piece.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<(start + length)])) }
            rest -= length
            start = 0
        }
    }

    /// The last bytes of all; fewer when there aren't so many.
    func suffix(_ length: Int) -> [UInt8] {
        var rest: [UInt8] = []
        for piece in pieces.reversed() where rest.count < length { rest = piece.suffix(length - rest.count) + rest }
        return rest
    }
}
