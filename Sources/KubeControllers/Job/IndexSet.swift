/// A set of completion indexes, written as jobs' statuses have it: `1,3-5,7`.
struct IndexSet: Equatable, CustomStringConvertible {
    /// Sorted, without overlaps and gaps of one.
    private(set) var ranges: [ClosedRange<Int>] = []

    init() {}

    /// What can't be read is left out, and so is everything from `limit` on.
    init(_ text: String, limit: Int) {
        var found: [ClosedRange<Int>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, first >= 0, first < limit else { continue }
            let last = ends.count > 1 ? ends[1] ?? first : first
            if last >= first { found.append(first...min(last, limit - 1)) }
        }
        // All at once: a status may hold a hundred thousand.
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let before = ranges.last, range.lowerBound <= before.upperBound + 1 {
                ranges[ranges.count - 1] = before.lowerBound...max(before.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    var isEmpty: Bool { ranges.isEmpty }
    var count: Int { ranges.reduce(0) { $0 + $1.count } }

    func contains(_ index: Int) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= index
    }

    mutating func insert(_ index: Int) { if !contains(index) { insert(index...index) } }

    private mutating func insert(_ range: ClosedRange<Int>) {
        var merged = range
        var result: [ClosedRange<Int>] = []
        for other in ranges {
            if other.upperBound + 1 < merged.lowerBound || merged.upperBound + 1 < other.lowerBound {
                result.append(other)
            } else {
                merged = min(other.lowerBound, merged.lowerBound)...max(other.upperBound, merged.upperBound)
            }
        }
        result.append(merged)
        ranges = result.sorted { $0.lowerBound < $1.lowerBound }
    }

    var description: String {
        ranges.map { range in
            switch range.count {
            case 1: "\(range.lowerBound)"
            case 2: "\(range.lowerBound),\(range.upperBound)"
            default: "\(range.lowerBound)-\(range.upperBound)"
            }
        }.joined(separator: ",")
    }
}
