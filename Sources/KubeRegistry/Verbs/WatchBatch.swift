import KubeStore

/// Events of a watch that came together.
public struct WatchBatch: Sendable {
    private enum Content {
        case own([WatchEvent])
        /// All of a batch, which other watches show as well.
        case shared(EventBatch, WatchStream)
    }

    private let content: Content

    init(_ events: [WatchEvent]) {
        content = .own(events)
    }

    init(_ batch: EventBatch, of stream: WatchStream) {
        content = .shared(batch, stream)
    }

    public var count: Int {
        switch content {
        case .own(let events): events.count
        case .shared(let batch, _): batch.events.count
        }
    }

    public var events: [WatchEvent] {
        switch content {
        case .own(let events): events
        case .shared(let batch, let stream): batch.events.compactMap(stream.event)
        }
    }

    /// All events, encoded in a form that the caller names and of which the resource has only one: once for all who watch the same.
    public func encoding<Value: Sendable, Failure>(
        _ form: String, _ encode: ([WatchEvent]) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        switch content {
        case .own(let events): try encode(events)
        case .shared(let batch, _): try batch.encoding(form) { () throws(Failure) in try encode(events) }
        }
    }
}
