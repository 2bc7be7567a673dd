import Synchronization

/// Events that were committed together, as those who watch the same prefix are told of them.
public final class EventBatch: Sendable {
    /// In revision order.
    public let events: [Event]

    private let encodings = Mutex<[(form: String, value: any Sendable)]>([])

    public init(_ events: [Event]) {
        self.events = events
    }

    static let none = EventBatch([])

    /// The encoding of all of it in a form that the caller names, made by the first who asks and shared with the others: a hundred watchers
    /// send the same bytes. The first few forms are kept; others are made anew each time.
    public func encoding<Value: Sendable, Failure>(
        _ form: String, _ encode: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if let known = encodings.withLock({ $0.known(form) as Value? }) { return known }
        let made = try encode()
        return encodings.withLock { encodings in
            if let known: Value = encodings.known(form) { return known }
            if encodings.count < 4 { encodings.append((form, made)) }
            return made
        }
    }
}

extension [(form: String, value: any Sendable)] {
    fileprivate func known<Value>(_ form: String) -> Value? {
        first { $0.form == form }?.value as? Value
    }
}
