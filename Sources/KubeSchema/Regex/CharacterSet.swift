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

    /// With the other case of every ASCII letter; of other letters, those with simple mappings.
    var foldingCase: CharacterSet {
        var more = ranges
        for range in ranges where range.count <= 0x3000 {
            for value in range {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for mapped in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                    let scalars = Array(mapped.unicodeScalars)
                    if scalars.count == 1 { more.append(scalars[0].value...scalars[0].value) }
                }
            }
        }
        return CharacterSet(more)
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

    /// `\p{L}` and its like: general categories by their letters; nil when there is no such.
    static func category(_ name: String) -> CharacterSet? {
        let wanted: (Unicode.GeneralCategory) -> Bool
        switch name {
        case "L": wanted = { [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter].contains($0) }
        case "Lu": wanted = { $0 == .uppercaseLetter }
        case "Ll": wanted = { $0 == .lowercaseLetter }
        case "Lt": wanted = { $0 == .titlecaseLetter }
        case "Lm": wanted = { $0 == .modifierLetter }
        case "Lo": wanted = { $0 == .otherLetter }
        case "M": wanted = { [.nonspacingMark, .spacingMark, .enclosingMark].contains($0) }
        case "N": wanted = { [.decimalNumber, .letterNumber, .otherNumber].contains($0) }
        case "Nd": wanted = { $0 == .decimalNumber }
        case "P":
            wanted = {
                [
                    .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
                    .finalPunctuation,
                    .otherPunctuation,
                ].contains($0)
            }
        case "S": wanted = { [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol].contains($0) }
        case "Z": wanted = { [.spaceSeparator, .lineSeparator, .paragraphSeparator].contains($0) }
        case "Zs": wanted = { $0 == .spaceSeparator }
        case "C": wanted = { [.control, .format, .surrogate, .privateUse, .unassigned].contains($0) }
        case "Cc": wanted = { $0 == .control }
        case "Greek": return CharacterSet([0x370...0x3FF, 0x1F00...0x1FFF])
        case "Cyrillic": return CharacterSet([0x400...0x52F])
        case "Latin":
            return CharacterSet([0x41...0x5A, 0x61...0x7A, 0xAA...0xAA, 0xBA...0xBA, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2B8])
        case "Han":
            return CharacterSet([
                0x2E80...0x2FD5, 0x3005...0x3007, 0x3021...0x3029, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x3134F,
            ])
        default: return nil
        }
        var ranges: [ClosedRange<UInt32>] = []
        for value: UInt32 in 0...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), wanted(scalar.properties.generalCategory) else { continue }
            if let last = ranges.last, last.upperBound + 1 == value {
                ranges[ranges.count - 1] = last.lowerBound...value
            } else {
                ranges.append(value...value)
            }
        }
        return CharacterSet(ranges)
    }
}
