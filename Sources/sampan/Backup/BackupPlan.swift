import KubeControllers

/// When the next backup is due. Pure.
struct BackupPlan: Sendable {
    /// After how long one that failed is tried again, in seconds.
    static let retry: Double = 600

    let schedule: CronSchedule

    /// - Parameters:
    ///   - last: when the last good one was begun, in seconds since 1970; nil when there is none.
    ///   - failed: when the last attempt failed, if it did after that.
    /// - Returns: when to make one; nil when the schedule names no time.
    func next(last: Double?, failed: Double?, now: Double) -> Double? {
        // What was due while the server was down is made up for, once.
        let due = schedule.last(until: now)
        let isMissing = due.map { last ?? -1 < $0 } ?? (last == nil)
        guard isMissing else { return schedule.next(after: now) }
        guard let failed else { return now }
        return max(now, min(failed + Self.retry, schedule.next(after: now) ?? .infinity))
    }
}

/// How backups are going, as `status`, `doctor` and metrics tell it.
struct BackupState: Sendable, Equatable {
    /// When the last good one was begun, in seconds since 1970.
    var lastSuccess: Double?
    var lastName = ""
    var lastSize: Int64 = 0
    /// How long it took, in seconds.
    var lastDuration: Double = 0
    /// When the last attempt failed, and why; nil when it didn't.
    var failedAt: Double?
    var failure = ""
    var successes: Int64 = 0
    var failures: Int64 = 0
    /// When the next one is due.
    var next: Double?
}
