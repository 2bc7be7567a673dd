/// A semantic version (https://semver.org), with the functions that expressions have for it.
struct CELSemver: CELOpaque, Comparable {
    let numbers: [UInt64]
    private let prerelease: [String]

    var typeName: String { "kubernetes.Semver" }

    /// Nil for what is no version.
    ///
    /// - Parameter isTolerant: whether `v1.2` and `01.2.3` are versions too.
    init?(_ text: String, isTolerant: Bool = false) {
        var text = text[...]
        if isTolerant, text.hasPrefix("v") { text = text.dropFirst() }
        var parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        if isTolerant {
            parts = parts.map { part in
                let rest = part.drop { $0 == "0" }
                guard part.count > 1, rest.count < part.count else { return part }
                return rest.first?.isASCIIDigit == true ? rest : "0" + rest
            }
            if parts.count < 3 {
                guard parts.last?.contains(where: { $0 == "+" || $0 == "-" }) == false else { return nil }
                parts += Array(repeating: "0", count: 3 - parts.count)
            }
        }
        guard parts.count == 3 else { return nil }
        let patch = parts[2].prefix { $0 != "-" && $0 != "+" }
        var numbers: [UInt64] = []
        for part in [parts[0], parts[1], patch] {
            guard let number = Self.number(part) else { return nil }
            numbers.append(number)
        }
        self.numbers = numbers
        let suffix = parts[2].dropFirst(patch.count)
        let halves = suffix.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let before = halves.first ?? ""
        prerelease =
            before.isEmpty
            ? [] : before.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let build = halves.count == 2 ? halves[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) : []
        guard (prerelease + build).allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isIdentifier) }) else { return nil }
        guard prerelease.allSatisfy({ !$0.allSatisfy(\.isASCIIDigit) || Self.number($0[...]) != nil }) else { return nil }
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.allSatisfy(\.isASCIIDigit), text == "0" || !text.hasPrefix("0") else { return nil }
        return UInt64(text)
    }

    private static func isIdentifier(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "-")
    }

    static func < (left: CELSemver, right: CELSemver) -> Bool {
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        // One without a prerelease is later than any with one.
        if left.prerelease.isEmpty || right.prerelease.isEmpty { return !left.prerelease.isEmpty && right.prerelease.isEmpty }
        for (a, b) in zip(left.prerelease, right.prerelease) where a != b {
            switch (UInt64(a), UInt64(b)) {
            case (let a?, let b?): return a < b
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return a.utf8.lexicographicallyPrecedes(b.utf8)
            }
        }
        return left.prerelease.count < right.prerelease.count
    }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        switch (function, arguments.count) {
        case ("major", 0): return .int(Int64(clamping: numbers[0]))
        case ("minor", 0): return .int(Int64(clamping: numbers[1]))
        case ("patch", 0): return .int(Int64(clamping: numbers[2]))
        default: break
        }
        guard arguments.count == 1, case .opaque(let value) = arguments[0], let other = value as? CELSemver else {
            throw .noOverload(function)
        }
        switch function {
        case "isLessThan": return .bool(self < other)
        case "isGreaterThan": return .bool(self > other)
        case "compareTo": return .int(self < other ? -1 : self > other ? 1 : 0)
        default: throw .noOverload(function)
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
