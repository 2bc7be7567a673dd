import KubeObject
import KubeStore

/// One event of a watch, as clients get it.
public struct WatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    public var type: Kind
    /// The object; for a bookmark one with nothing but a resourceVersion, for an error a `Status`.
    public var object: Answer
    /// The store's event whose encoding all watchers share; nil where this event differs from it.
    private let shared: Event?

    init(_ type: Kind, _ object: Answer, sharing event: Event? = nil) {
        self.type = type
        self.object = object
        self.shared = event
    }

    /// The event with another form of its object, which no other watcher may share.
    func replacing(_ object: Object) -> WatchEvent {
        if case .object(let own) = self.object, own === object { return self }
        return WatchEvent(type, .object(object))
    }

    /// `{"type":…,"object":…}` with a line feed. Encoded once for all watchers of the object.
    public var encoded: [UInt8] {
        guard let shared else { return encode() }
        return shared.encoding("json") { _ in encode() }
    }

    /// The event in another form of which the object's resource has only one. `encode` makes it, once for all watchers.
    public func encoded<Failure>(as form: String, _ encode: () throws(Failure) -> [UInt8]) throws(Failure) -> [UInt8] {
        guard let shared else { return try encode() }
        return try shared.encoding(form) { _ throws(Failure) in try encode() }
    }

    private func encode() -> [UInt8] {
        let content = object.bytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + 40)
        bytes += "{\"type\":\"\(type.rawValue)\",\"object\":".utf8
        bytes += content
        bytes += "}\n".utf8
        return bytes
    }
}
