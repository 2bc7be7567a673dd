import Synchronization

/// How often clusters fell asleep and woke, and how long waking took: a bounded number of series, however many clusters there are.
final class WakeMetrics: Sendable {
    /// Upper bounds of the buckets, in seconds.
    private static let bounds = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60]
    /// Of so many of the last wakes the quantiles are told.
    private static let window = 1024

    private struct State {
        var sleeps: [String: Int] = [:]
        var wakes: [String: Int] = [:]
        var buckets = [Int](repeating: 0, count: WakeMetrics.bounds.count + 1)
        var sum = 0.0
        var recent: [Double] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// - Parameter reason: one of a few words.
    func slept(_ reason: String) { state.withLock { $0.sleeps[reason, default: 0] += 1 } }
    func woke(_ reason: String) { state.withLock { $0.wakes[reason, default: 0] += 1 } }

    /// A wake has come to its end: everything runs, or it was waited for in vain for so long.
    func took(_ seconds: Double) {
        state.withLock { state in
            state.buckets[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            state.sum += seconds
            if state.recent.count < Self.window {
                state.recent.append(seconds)
            } else {
                state.recent[state.next] = seconds
                state.next = (state.next + 1) % Self.window
            }
        }
    }

    /// In Prometheus' text format.
    func text(asleep: Int) -> String {
        let state = self.state.withLock { $0 }
        var text = ""
        func header(_ name: String, _ help: String, _ type: String) { text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" }
        header("sampan_clusters_asleep", "Virtual clusters that sleep.", "gauge")
        text += "sampan_clusters_asleep \(asleep)\n"
        for (name, help, counts) in [
            ("sampan_cluster_sleeps_total", "Times that clusters fell asleep, by reason.", state.sleeps),
            ("sampan_cluster_wakes_total", "Times that clusters woke, by reason.", state.wakes),
        ] {
            header(name, help, "counter")
            for (reason, count) in counts.sorted(by: { $0.key < $1.key }) { text += "\(name){reason=\"\(reason)\"} \(count)\n" }
        }
        let name = "sampan_cluster_wake_duration_seconds"
        header(name, "Time from what woke a cluster until all of its pods were ready.", "histogram")
        var total = 0
        for (bound, count) in zip(Self.bounds.map { String($0) } + ["+Inf"], state.buckets) {
            total += count
            text += "\(name)_bucket{le=\"\(bound)\"} \(total)\n"
        }
        text += "\(name)_sum \(state.sum)\n\(name)_count \(total)\n"
        let recent = state.recent.sorted()
        guard !recent.isEmpty else { return text }
        header("sampan_cluster_wake_recent_seconds", "The same of the last 1024 wakes.", "gauge")
        for quantile in [0.5, 0.99] {
            let index = min(recent.count - 1, Int((Double(recent.count) * quantile).rounded(.down)))
            text += "sampan_cluster_wake_recent_seconds{quantile=\"\(quantile)\"} \(recent[index])\n"
        }
        return text
    }
}
