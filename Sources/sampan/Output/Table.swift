/// Rows in aligned columns with upper-case headings, as kubectl prints them.
struct Table: CustomStringConvertible {
    var columns: [String]
    var rows: [[String]] = []

    var description: String {
        let all = [columns] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
            var line = cells.joined(separator: "   ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// A duration as kubectl's AGE column shows it: two units at most where the first is small.
func shortDuration(seconds: Double) -> String {
    let whole = Int(max(seconds, 0))
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86400)
    func pair(_ first: Int, _ unit: String, _ second: Int, _ small: String) -> String {
        second == 0 ? "\(first)\(unit)" : "\(first)\(unit)\(second)\(small)"
    }
    switch whole {
    case ..<120: return "\(whole)s"
    case ..<600: return pair(minutes, "m", whole % 60, "s")
    case ..<(3 * 3600): return "\(minutes)m"
    case ..<(8 * 3600): return pair(hours, "h", minutes % 60, "m")
    case ..<(48 * 3600): return "\(hours)h"
    case ..<(8 * 86400): return pair(days, "d", hours % 24, "h")
    case ..<(2 * 365 * 86400): return "\(days)d"
    default: return pair(days / 365, "y", days % 365, "d")
    }
}
