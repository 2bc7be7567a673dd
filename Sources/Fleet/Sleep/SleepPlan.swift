/// Decides whether a cluster falls asleep or wakes by itself, and when to look again. Pure; times are in seconds since 1970.
///
/// A cluster falls asleep when it was idle for as long as it says, or in its nights once nobody uses it. A night begins at a time of `sleepAt`
/// and ends at one of `wakeAt`, when the cluster wakes; without any such time a night ends as soon as somebody uses the cluster.
struct SleepPlan: Equatable {
    enum Reason: String {
        case idle = "Idle"
        case schedule = "Schedule"
    }

    enum Step: Equatable {
        case stay
        /// Falls asleep now, unless something keeps it awake.
        case sleep(Reason)
        case wake
    }

    var step = Step.stay
    /// When to look again; nil for not before something changes.
    var nextLook: Double?
    /// When the cluster falls asleep if nobody uses it till then.
    var sleepsAt: Double?
    var sleepReason: Reason?
    /// When it wakes by itself.
    var wakesAt: Double?

    /// In a night a cluster is idle after so long.
    static let nightlyIdle: Double = 15 * 60

    /// - Parameters:
    ///   - since: when it woke (or was made), or fell asleep.
    ///   - lastUse: when somebody used it last.
    init(_ spec: SleepSpec, isAwake: Bool, since: Double, lastUse: Double, now: Double) {
        let lastNight = spec.sleepAt.last(until: now)
        let lastMorning = spec.wakeAt.last(until: now)
        let nextMorning = spec.wakeAt.next(after: now)
        guard isAwake else {
            wakesAt = nextMorning
            nextLook = nextMorning
            if let lastMorning, lastMorning > since, lastMorning > lastNight ?? 0 { step = .wake }
            return
        }
        let base = max(since, lastUse)
        var due: [(time: Double, reason: Reason)] = []
        if let idle = spec.afterIdle { due.append((base + idle, .idle)) }
        if let lastNight {
            let isNight = spec.wakeAt.isEmpty ? lastNight > since : lastNight > lastMorning ?? 0
            if isNight { due.append((max(lastNight, base + min(spec.afterIdle ?? .infinity, Self.nightlyIdle)), .schedule)) }
        }
        let nextNight = spec.sleepAt.next(after: now)
        if let nextNight { due.append((nextNight, .schedule)) }
        guard let first = due.min(by: { $0.time < $1.time }) else { return }
        sleepsAt = first.time
        sleepReason = first.reason
        if first.time <= now { step = .sleep(first.reason) } else { nextLook = first.time }
    }
}
