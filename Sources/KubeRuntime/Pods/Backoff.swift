/// How long to wait before trying again what keeps failing: 10 s, doubling to 300 s, forgotten after 10 quiet minutes.
struct Backoff: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// Seconds.
        var delay: Double
        var since: Double
    }

    var initial = 10.0
    var maximum = 300.0
    private(set) var entries: [String: Entry] = [:]

    /// When the thing that failed at `failure` may be tried again, if that is after `now`.
    func end(_ key: String, failure: Double, now: Double) -> Double? {
        guard let entry = entries[key], !isForgotten(entry, at: failure), failure + entry.delay > now else { return nil }
        return failure + entry.delay
    }

    /// The delay in force, in seconds.
    func delay(_ key: String) -> Double { entries[key]?.delay ?? initial }

    /// Notes another try.
    mutating func advance(_ key: String, now: Double) {
        if let entry = entries[key], !isForgotten(entry, at: now) {
            entries[key] = Entry(delay: min(entry.delay * 2, maximum), since: now)
        } else {
            entries[key] = Entry(delay: initial, since: now)
        }
    }

    mutating func reset(_ key: String) { entries[key] = nil }

    private func isForgotten(_ entry: Entry, at time: Double) -> Bool { time - entry.since > 2 * maximum }
}
