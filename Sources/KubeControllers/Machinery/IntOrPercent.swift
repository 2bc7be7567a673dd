import KubeObject

/// A count, or a part of another count: `5` or `"30%"`.
enum IntOrPercent: Equatable {
    case count(Int64)
    case percent(Int64)

    /// - Returns: nil when the value is neither an integer nor a percentage.
    init?(_ tree: JSON?) {
        switch tree {
        case .int(let count)?: self = .count(count)
        case .string(let text)?:
            guard text.hasSuffix("%"), let percent = Int64(text.dropLast()) else { return nil }
            self = .percent(percent)
        default: return nil
        }
    }

    func resolved(of total: Int64, roundingUp: Bool) -> Int64 {
        switch self {
        case .count(let count): return count
        case .percent(let percent):
            let product = percent * total
            return roundingUp ? (product + 99) / 100 : product / 100
        }
    }
}
