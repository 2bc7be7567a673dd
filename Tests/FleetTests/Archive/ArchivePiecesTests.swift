import Testing

@testable import Fleet

@Suite struct ArchivePiecesTests {
    @Test(arguments: [[10], [3, 3, 3, 1], [1, 0, 9], [0, 10, 0], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
    func areReadAsOne(_ sizes: [Int]) {
        let all = Array(UInt8(0)..<10)
        var rest = all[...]
        let parts = sizes.map { size in
            defer { rest = rest.dropFirst(size) }
            return Array(rest.prefix(size))
        }
        for first in 0...10 {
            var pieces = ArchivePieces(pieces: parts)
            #expect(pieces.starts(with: Array(all.prefix(first))))
            #expect(!pieces.starts(with: [9]))
            #expect(pieces.suffix(first) == Array(all.suffix(first)))
            #expect(pieces.suffix(20) == all)
            #expect(pieces.take(first) == Array(all.prefix(first)))
            #expect(pieces.count == 10 - first)
            #expect(pieces.take(11 - first) == nil)
            var seen: [UInt8] = []
            pieces.forEach(except: min(2, 10 - first)) { seen += $0 }
            #expect(seen == Array(all[first..<max(first, 8)]))
            #expect(pieces.take(10 - first) == Array(all[first...]))
            #expect(pieces.count == 0)
        }
    }
}
