/// A set of Unicode scalars: sorted ranges that don't touch.
struct CharacterSet: Sendable, Hashable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].contains(scalar.value) { return true }
            if ranges[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
        }
        return false
    }

    var inverted: CharacterSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return CharacterSet(result)
    }

    func union(_ other: CharacterSet) -> CharacterSet { CharacterSet(ranges + other.ranges) }

    /// With the other case of every letter that has a simple one.
    var foldingCase: CharacterSet {
        CharacterSet(ranges + CharacterCase.pairs.filter { contains($0.from) }.map { $0.to.value...$0.to.value })
    }

    static let digit = CharacterSet([0x30...0x39])
    static let word = CharacterSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = CharacterSet([0x09...0x0A, 0x0C...0x0D, 0x20...0x20])
    static let any = CharacterSet([0...0x10FFFF])
    static let anyButNewline = CharacterSet([0x0A...0x0A]).inverted

    /// `[:alpha:]` and its like.
    static let posix: [String: CharacterSet] = [
        "alnum": CharacterSet([0x30...0x39, 0x41...0x5A, 0x61...0x7A]), "alpha": CharacterSet([0x41...0x5A, 0x61...0x7A]),
        "ascii": CharacterSet([0...0x7F]), "blank": CharacterSet([0x09...0x09, 0x20...0x20]),
        "cntrl": CharacterSet([0...0x1F, 0x7F...0x7F]), "digit": digit, "graph": CharacterSet([0x21...0x7E]),
        "lower": CharacterSet([0x61...0x7A]), "print": CharacterSet([0x20...0x7E]),
        "punct": CharacterSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]),
        "space": CharacterSet([0x09...0x0D, 0x20...0x20]),
        "upper": CharacterSet([0x41...0x5A]), "word": word, "xdigit": CharacterSet([0x30...0x39, 0x41...0x46, 0x61...0x66]),
    ]
}
