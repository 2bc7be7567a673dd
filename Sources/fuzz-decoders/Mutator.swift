/// Makes hostile inputs out of good ones: some bytes changed, parts repeated, cut out, moved, or joined with parts of another.
struct Mutator {
    /// Longer inputs are cut; every decoder's caller bounds what it takes, and time goes into more inputs rather than longer ones.
    static let longest = 16 << 10

    let seeds: [[UInt8]]
    /// Words of the language, which chance would hardly find.
    let tokens: [[UInt8]]

    private static let extremes = [
        "0", "-1", "1e999", "-9223372036854775808", "9223372036854775807", "18446744073709551616", "0.1e-400",
        "-9223372036854775809", "e-9223372036854775808", "1E+2147483648",
        "NaN",
    ].map { Array($0.utf8) }

    func input(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seeds[generator.below(seeds.count)]
        // Seldom nothing is changed: the good inputs must stay good.
        for _ in 0..<generator.below(9) { mutate(&bytes, &generator) }
        return bytes.count > Self.longest ? Array(bytes.prefix(Self.longest)) : bytes
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !bytes.isEmpty else {
            bytes = tokens.isEmpty ? [0] : tokens[generator.below(tokens.count)]
            return
        }
        let at = generator.below(bytes.count)
        switch generator.below(10) {
        case 0: bytes[at] ^= 1 << UInt8(generator.below(8))
        case 1: bytes[at] = UInt8(generator.below(256))
        case 2: bytes.removeSubrange(range(bytes, at, &generator))
        case 3: bytes.insert(contentsOf: bytes[range(bytes, at, &generator)], at: at)
        case 4: repeatPart(&bytes, at, &generator)
        case 5: bytes.removeSubrange(at...)
        case 6:
            let other = seeds[generator.below(seeds.count)]
            guard !other.isEmpty else { return }
            let part = range(other, generator.below(other.count), &generator)
            bytes.replaceSubrange(range(bytes, at, &generator), with: other[part])
        case 7: bytes.insert(contentsOf: Self.extremes[generator.below(Self.extremes.count)], at: at)
        default:
            guard !tokens.isEmpty else { return bytes.insert(UInt8(generator.below(256)), at: at) }
            bytes.insert(contentsOf: tokens[generator.below(tokens.count)], at: at)
        }
    }

    private func range(_ bytes: [UInt8], _ start: Int, _ generator: inout SeededGenerator) -> Range<Int> {
        start..<min(bytes.count, start + 1 + generator.below(32))
    }

    /// The same few bytes again and again: nesting, long names, many elements.
    private func repeatPart(_ bytes: inout [UInt8], _ at: Int, _ generator: inout SeededGenerator) {
        var part = Array(bytes[at..<min(bytes.count, at + 1 + generator.below(8))])
        if !tokens.isEmpty, generator.below(2) == 0 { part = tokens[generator.below(tokens.count)] }
        let times = generator.below(50) == 0 ? 2_000 : 1 + generator.below(40)
        bytes.insert(contentsOf: Array(repeatElement(part, count: times).joined()), at: at)
        if bytes.count > Self.longest { bytes.removeSubrange(Self.longest...) }
    }
}
