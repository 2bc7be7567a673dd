/// Which letters differ only in case.
///
/// Asking Unicode's tables about a letter takes a while, and a pattern may name many sets of letters, so all pairs are found once.
enum CharacterCase {
    /// Each letter with each of its other cases: `k` with `K` and the Kelvin sign. A case of several scalars is none here, as in RE2.
    /// There are no such letters past the second plane.
    static let pairs: [(from: Unicode.Scalar, to: Unicode.Scalar)] = {
        var families: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for value: UInt32 in 0...0x1FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let properties = scalar.properties
            guard
                properties.isLowercase || properties.isUppercase || properties.changesWhenLowercased
                    || properties.changesWhenUppercased
            else { continue }
            let upper = single(properties.uppercaseMapping) ?? scalar
            families[single(upper.properties.lowercaseMapping) ?? upper, default: []].append(scalar)
        }
        return families.values.flatMap { family in
            family.flatMap { from in family.filter { $0 != from }.map { (from: from, to: $0) } }
        }
    }()

    private static func single(_ mapped: String) -> Unicode.Scalar? {
        mapped.unicodeScalars.count == 1 ? mapped.unicodeScalars.first : nil
    }
}
