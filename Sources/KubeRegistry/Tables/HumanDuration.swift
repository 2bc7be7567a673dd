import KubeObject

/// Durations as people read them in tables: the two largest units at most, less exact the longer they are.
enum HumanDuration {
    static func text(seconds total: Double) -> String {
        let seconds = Int(total)
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if hours < 24 * 8 { return pair(days, "d", hours % 24, "h") }
        if days < 365 * 2 { return "\(days)d" }
        if days < 365 * 8 { return pair(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func pair(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }

    /// The time since a timestamp; `<unknown>` without one.
    static func since(_ timestamp: JSON?, now: Double) -> String {
        guard let text = timestamp?.string, let time = Timestamp.parse(text) else { return "<unknown>" }
        return self.text(seconds: now - time)
    }
}
