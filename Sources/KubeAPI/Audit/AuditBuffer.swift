import KubeObject

/// Events that wait to be sent, in order and within bounds: free of I/O.
struct AuditBuffer: Sendable {
    /// How much may wait, and how much is sent at once.
    struct Limits: Sendable {
        var events = 10_000
        /// In bytes.
        var size = 32 << 20
        /// In bytes. A larger event loses its objects; if it is still too large, it is dropped.
        var eventSize = 100 << 10
        var batchEvents = 400
        /// In bytes.
        var batchSize = 10 << 20
    }

    private let limits: Limits
    private var events: [[UInt8]] = []
    private var size = 0
    /// Events that there was no room for, or that were too large, since they were last told of.
    private(set) var dropped = 0

    init(_ limits: Limits = Limits()) { self.limits = limits }

    var isEmpty: Bool { self.events.isEmpty }
    /// Whether there is enough for a batch.
    var isFull: Bool { self.events.count >= self.limits.batchEvents || self.size >= self.limits.batchSize }

    /// - Parameter encoded: the same as JSON.
    mutating func append(_ event: JSON, encoded: [UInt8]) {
        var bytes = encoded
        if bytes.count > self.limits.eventSize { bytes = Self.truncated(event).encoded() }
        guard bytes.count <= self.limits.eventSize, self.events.count < self.limits.events,
            self.size + bytes.count <= self.limits.size
        else {
            self.dropped += 1
            return
        }
        self.events.append(bytes)
        self.size += bytes.count
    }

    /// The next batch, as an `EventList`; nil when nothing waits.
    mutating func take() -> [UInt8]? {
        var count = 0
        var size = 0
        for event in self.events.prefix(self.limits.batchEvents) {
            if count > 0, size + event.count > self.limits.batchSize { break }
            count += 1
            size += event.count
        }
        guard count > 0 else { return nil }
        var list = Array(#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.utf8)
        list.reserveCapacity(list.count + size + count + 2)
        for (index, event) in self.events.prefix(count).enumerated() {
            if index > 0 { list.append(UInt8(ascii: ",")) }
            list += event
        }
        list += Array("]}".utf8)
        self.events.removeFirst(count)
        self.size -= size
        return list
    }

    /// How many were dropped; from now on none.
    mutating func takeDropped() -> Int {
        defer { self.dropped = 0 }
        return self.dropped
    }

    private static func truncated(_ event: JSON) -> JSON {
        var event = event
        event["requestObject"] = nil
        event["responseObject"] = nil
        event[path: "annotations", "audit.k8s.io/truncated"] = "true"
        return event
    }
}
