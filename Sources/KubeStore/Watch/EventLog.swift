import KubeObject

/// A cluster's most recent events, without gaps, bounded by count and bytes.
struct EventLog: Sendable {
    /// The earliest revision after which every event is in the log.
    private(set) var oldest: UInt64
    private var events: [Event?] = []
    private var head = 0
    private var bytes = 0

    /// - Parameter revision: the cluster's revision, of which no events are known.
    init(after revision: UInt64) { oldest = revision }

    var count: Int { events.count - head }

    /// The revision of the last event, or the one that the log began after.
    var latest: UInt64 { oldest + UInt64(count) }

    /// Appends events whose revisions follow the last one's, and drops the oldest beyond the bounds.
    mutating func append(_ new: [Event], maximumCount: Int, maximumBytes: Int) {
        for event in new {
            events.append(event)
            bytes += event.logCost
        }
        while count > 0, count > maximumCount || bytes > maximumBytes { dropFirst() }
    }

    /// The events after a revision, oldest first; nil when some of them are gone.
    func events(after revision: UInt64) -> [Event]? {
        guard revision >= oldest else { return nil }
        let skip = revision - oldest
        guard skip < UInt64(count) else { return [] }
        return events[(head + Int(skip))...].compactMap { $0 }
    }

    /// Drops the events up to and including a revision.
    mutating func drop(through revision: UInt64) {
        while count > 0, oldest < revision { dropFirst() }
    }

    private mutating func dropFirst() {
        bytes -= events[head]?.logCost ?? 0
        events[head] = nil
        head += 1
        oldest += 1
        if head == events.count {
            events = []
            head = 0
        } else if head >= 64, head * 2 >= events.count {
            events.removeFirst(head)
            head = 0
        }
    }
}

extension Event {
    /// What the log counts an event as: the bytes it may keep alive, and itself.
    fileprivate var logCost: Int { 256 + object.bytes.count + (previous?.bytes.count ?? 0) }
}
