extension CharacterSet {
    /// `\p{L}` and its like: general categories by their letters, and the scripts that patterns name; nil when there is no such.
    static func category(_ name: String) -> CharacterSet? { categories[name] ?? scripts[name] }

    /// By both letters (`Lu`) and by the first alone (`L`). Found once, since that takes a look at all of Unicode.
    private static let categories: [String: CharacterSet] = {
        var ranges: [String: [ClosedRange<UInt32>]] = [:]
        func add(_ range: ClosedRange<UInt32>, _ name: String) {
            guard name != "Cn" else { return }  // RE2 has no name for what isn't assigned, and C leaves it out
            ranges[name, default: []].append(range)
            ranges[String(name.prefix(1)), default: []].append(range)
        }
        var start: UInt32 = 0
        var current = ""
        for value: UInt32 in 0...0x10FFFF {
            let name = Unicode.Scalar(value).map { $0.properties.generalCategory.letters } ?? "Cs"
            if name != current {
                if value > 0 { add(start...(value - 1), current) }
                (start, current) = (value, name)
            }
        }
        add(start...0x10FFFF, current)
        return ranges.mapValues { CharacterSet($0) }
    }()

    private static let scripts: [String: CharacterSet] = [
        "Greek": CharacterSet([0x370...0x3FF, 0x1F00...0x1FFF]), "Cyrillic": CharacterSet([0x400...0x52F]),
        "Latin": CharacterSet([0x41...0x5A, 0x61...0x7A, 0xAA...0xAA, 0xBA...0xBA, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2B8]),
        "Han": CharacterSet([
            0x2E80...0x2FD5, 0x3005...0x3007, 0x3021...0x3029, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x3134F,
        ]),
    ]
}

extension Unicode.GeneralCategory {
    /// The category's short name.
    /// Source: https://www.unicode.org/reports/tr44/#General_Category_Values
    fileprivate var letters: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
