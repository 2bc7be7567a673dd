import KubeObject

/// Decides what becomes of an event before it is written: a new object, a higher count of one that is there, or nothing.
///
/// As upstream's: events that are the same but for the time become one with a count; more than ten events about one object and
/// reason in ten minutes that differ in their text become one "combined" event; about one object at most 25 in a burst and
/// then one every five minutes. What is known is bounded: the least recently used is forgotten.
/// Source: https://github.com/kubernetes/design-proposals-archive/blob/main/instrumentation/event_compression.md
struct EventCorrelation {
    struct Report: Hashable, Sendable {
        var cluster: Int64
        var source: String
        var uid: String
        var kind: String
        var namespace: String
        var name: String
        var type: String
        var reason: String
        var message: String
    }

    enum Verdict: Equatable {
        case drop
        /// Write a new event under `name` with this text.
        case create(name: String, message: String)
        /// Raise the count of the event `name`, seen first at `first`.
        case count(name: String, count: Int64, message: String)
    }

    private struct Known {
        var name: String
        var count: Int64
        var usedAt: Double
    }
    private struct Group {
        var messages: Set<String>
        var usedAt: Double
    }
    private struct Bucket {
        var tokens: Double
        var usedAt: Double
    }

    static let capacity = 4096
    private static let burst = 25.0
    private static let tokensPerSecond = 1.0 / 300
    private static let similarLimit = 10
    private static let similarWindow = 600.0

    private var known: [Report: Known] = [:]
    private var groups: [Report: Group] = [:]
    private var buckets: [Report: Bucket] = [:]
    private var serial: UInt64 = 0

    init() {}

    mutating func decide(_ report: Report, now: Double) -> Verdict {
        var report = report
        if isCombined(&report, now: now) { report.message = "(combined from similar events): \(report.message)" }
        let text = report.message
        // A combined event's text is that of its last, so it is found without.
        var identity = report
        if text.hasPrefix("(combined") { identity.message = "(combined)" }
        guard takeToken(report, now: now) else { return .drop }
        if let old = known[identity] {
            known[identity] = Known(name: old.name, count: old.count + 1, usedAt: now)
            return .count(name: old.name, count: old.count + 1, message: text)
        }
        serial &+= 1
        let stamp = UInt64(max(0, now) * 1e9) &+ serial
        let name = "\(report.name).\(String(stamp, radix: 16))"
        known[identity] = Known(name: name, count: 1, usedAt: now)
        Self.trim(&known, usedAt: \.usedAt)
        return .create(name: name, message: text)
    }

    /// The event that was to be counted isn't there any more (events live an hour): the next one is new.
    mutating func forget(_ name: String, cluster: Int64) {
        known = known.filter { $0.value.name != name || $0.key.cluster != cluster }
    }

    private mutating func isCombined(_ report: inout Report, now: Double) -> Bool {
        var identity = report
        identity.message = ""
        var group = groups[identity] ?? Group(messages: [], usedAt: now)
        if now - group.usedAt > Self.similarWindow { group.messages = [] }
        group.usedAt = now
        if group.messages.count < Self.similarLimit { group.messages.insert(report.message) }
        let isNew = !group.messages.contains(report.message)
        groups[identity] = group
        Self.trim(&groups, usedAt: \.usedAt)
        return isNew
    }

    private mutating func takeToken(_ report: Report, now: Double) -> Bool {
        var identity = report
        identity.message = ""
        identity.reason = ""
        identity.type = ""
        var bucket = buckets[identity] ?? Bucket(tokens: Self.burst, usedAt: now)
        bucket.tokens = min(Self.burst, bucket.tokens + (now - bucket.usedAt) * Self.tokensPerSecond)
        bucket.usedAt = now
        let allowed = bucket.tokens >= 1
        if allowed { bucket.tokens -= 1 }
        buckets[identity] = bucket
        Self.trim(&buckets, usedAt: \.usedAt)
        return allowed
    }

    /// Forgets the older half when there is too much, which costs little an insertion.
    private static func trim<Value>(_ entries: inout [Report: Value], usedAt: KeyPath<Value, Double>) {
        guard entries.count > capacity else { return }
        let times = entries.values.map { $0[keyPath: usedAt] }.sorted()
        let middle = times[times.count / 2]
        entries = entries.filter { $0.value[keyPath: usedAt] > middle }
    }
}
