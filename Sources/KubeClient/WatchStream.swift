import AsyncHTTPClient
public import KubeObject
import NIOCore
import NIOHTTP1

/// One change that a watch reports.
public struct WatchEvent: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
    }

    public var kind: Kind
    public var object: JSON
}

/// The events of one watch request, until the server ends it.
///
/// An `ERROR` event is thrown as `StatusError`; on 410 `Expired` the caller lists again and watches from there.
public struct WatchStream: AsyncSequence, Sendable {
    let body: HTTPClientResponse.Body
    let label: String

    public func makeAsyncIterator() -> Iterator {
        Iterator(body: body.makeAsyncIterator(), label: label)
    }

    public struct Iterator: AsyncIteratorProtocol {
        var body: HTTPClientResponse.Body.AsyncIterator
        let label: String
        var lines = LineSplitter()

        public mutating func next() async throws -> WatchEvent? {
            while true {
                if let line = lines.next() { return try Self.event(line, label) }
                do {
                    guard let part = try await body.next() else { return nil }
                    lines.append(Array(buffer: part))
                } catch {
                    throw ClientError.translating(error, request: label)
                }
            }
        }

        static func event(_ line: [UInt8], _ label: String) throws -> WatchEvent {
            let tree: JSON
            do {
                tree = try JSON(parsing: line)
            } catch {
                throw ClientError(.malformed, request: label, message: "a watch event isn't JSON: \(error)")
            }
            guard let type = tree["type"]?.string, let object = tree["object"] else {
                throw ClientError(.malformed, request: label, message: "a watch event has no type or no object")
            }
            if type == "ERROR", let error = StatusError(status: object) { throw error }
            guard let kind = WatchEvent.Kind(rawValue: type) else {
                throw ClientError(.malformed, request: label, message: "a watch event has the unknown type \(type)")
            }
            return WatchEvent(kind: kind, object: object)
        }
    }
}

/// Cuts a stream of bytes into non-empty lines, however the bytes arrive.
struct LineSplitter {
    private var pending: [UInt8] = []
    private var start = 0
    /// Everything before it was searched for a line feed.
    private var searched = 0

    mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            pending.removeFirst(start)
            searched -= start
            start = 0
        }
        pending += bytes
    }

    /// The next complete line without its line feed, or nil until more bytes come.
    mutating func next() -> [UInt8]? {
        while let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = pending[start..<end]
            start = end + 1
            searched = start
            if !line.isEmpty { return Array(line) }
        }
        searched = pending.count
        return nil
    }
}

extension KubeClient {
    /// Watches the collection or the single object at `path`.
    ///
    /// - Parameter resourceVersion: where to go on from; nil starts with the present state as `ADDED` events.
    public func watch(
        _ path: ResourcePath, resourceVersion: String? = nil, labelSelector: String = "", bookmarks: Bool = true
    ) async throws -> WatchStream {
        var query = [("watch", "true")]
        var collection = path
        if !path.name.isEmpty {
            query.append(("fieldSelector", "metadata.name=\(path.name)"))
            collection.name = ""
        }
        if let resourceVersion { query.append(("resourceVersion", resourceVersion)) }
        if !labelSelector.isEmpty { query.append(("labelSelector", labelSelector)) }
        if bookmarks { query.append(("allowWatchBookmarks", "true")) }
        let answer = try await stream(collection.description, query: query)
        return WatchStream(body: answer.body, label: "WATCH \(collection)")
    }
}
