import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

/// Puts a watch's events into the form that its client wants. Plain JSON and protobuf are encoded once for all watchers.
struct WatchEncoder: Sendable {
    let server: APIServer
    let call: Call
    let resource: ResourceType
    let representation: Representation

    /// - Parameter isFirst: whether a table tells its columns: only a watch's first does.
    func encode(_ event: WatchEvent, isFirst: Bool = true) throws(StatusError) -> [UInt8] {
        switch (self.representation.coding, self.representation.form) {
        case (.protobuf, .object):
            return try event.encoded(as: "protobuf") { () throws(StatusError) in try self.frame(event) }
        case (.protobuf, _): return try self.frame(event)
        case (_, .object): return event.encoded
        default: break
        }
        if event.type == .error { return event.encoded }
        let tree: JSON = ["type": .string(event.type.rawValue), "object": try self.tree(event, isFirst: isFirst)]
        return tree.encoded() + [UInt8(ascii: "\n")]
    }

    private func frame(_ event: WatchEvent) throws(StatusError) -> [UInt8] {
        Protobuf.watchFrame(
            type: event.type.rawValue, document: try self.server.protobuf(self.tree(event, isFirst: true), self.call))
    }

    private func tree(_ event: WatchEvent, isFirst: Bool) throws(StatusError) -> JSON {
        if event.type == .error { return event.object.tree }
        switch (self.representation.form, event.object.object) {
        case (.table, nil):
            // A bookmark: to a table it is an object like any other, without a name.
            var tree = try self.server.tree(
                .object(self.bookmark(event)), self.resource, self.representation, self.call)
            self.completeBookmark(&tree, event, isFirst: isFirst)
            return tree
        case (.partialMetadata(let version), nil):
            return [
                "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": event.object.tree["metadata"] ?? [:],
            ]
        default:
            var tree = try self.server.tree(event.object, self.resource, self.representation, self.call)
            if !isFirst, case .table = self.representation.form { tree["columnDefinitions"] = .null }
            return tree
        }
    }
}

extension WatchEncoder {
    private func bookmark(_ event: WatchEvent) throws(StatusError) -> Object {
        do { return try Object(bytes: event.object.bytes) } catch {
            throw .internalError("encoding a bookmark: \(error)")
        }
    }

    /// The end of the initial events is told even to those who want no objects in their rows.
    private func completeBookmark(_ table: inout JSON, _ event: WatchEvent, isFirst: Bool) {
        if !isFirst { table["columnDefinitions"] = .null }
        guard event.endsInitialEvents, case .array(var rows)? = table["rows"], !rows.isEmpty, rows[0]["object"] == nil,
            let version = table["apiVersion"]
        else { return }
        rows[0]["object"] = [
            "kind": "PartialObjectMetadata", "apiVersion": version, "metadata": event.object.tree["metadata"] ?? [:],
        ]
        table["rows"] = .array(rows)
    }
}

extension WatchEvent {
    fileprivate var endsInitialEvents: Bool {
        self.object.tree[path: "metadata", "annotations", "k8s.io/initial-events-end"] == "true"
    }
}

/// A watch's response: events as they come, a bookmark about each minute, and an end when the client's time is up.
struct WatchBody: Sendable {
    let stream: WatchStream
    let encoder: WatchEncoder
    let allowsBookmarks: Bool
    let timeout: Duration
    /// Keeps the cluster in memory, for as long as the response's body is referred to.
    let hold: LogicalCluster.Hold
    let permit: RequestLimiter.Permit

    private static let chunkSize = 64 << 10

    var response: APIResponse {
        let contentType =
            self.encoder.representation.coding == .protobuf ? Protobuf.mediaType + ";stream=watch" : "application/json"
        return APIResponse(
            status: 200, headers: [.contentType: contentType],
            // Custom resources may have to be converted, which takes as long as it takes.
            body: .stream(isEndless: true, weight: self.encoder.resource.definition == nil ? .light : .usual) { writer in
                try await self.write(to: writer)
            })
    }

    func write(to writer: any ResponseWriter) async throws {
        try await self.whileItLasts { try await self.writeEvents(to: writer) }
    }

    /// Does what takes the stream's events, until they or the client's time are over.
    func whileItLasts(_ events: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await events() }
            group.addTask {
                try await Task.sleep(for: self.timeout)
                self.stream.finish()
                // The events' task ends the group.
                try await Task.sleep(for: .seconds(60))
            }
            if let sign = self.encoder.server.shownSign(self.encoder.call, self.encoder.resource) {
                group.addTask {
                    while true {
                        try await Task.sleep(for: .seconds(sign.period))
                        await self.encoder.server.giveSigns(self.encoder.call, self.encoder.resource)
                    }
                }
            }
            if self.allowsBookmarks {
                group.addTask {
                    while true {
                        try await Task.sleep(for: .seconds(Double.random(in: 50...70)))
                        self.stream.requestBookmark()
                    }
                }
            }
            defer {
                group.cancelAll()
                self.stream.finish()
            }
            try await group.next()
        }
    }

    /// The last event of a watch that can't go on.
    static func failure(_ error: StatusError) -> [UInt8] {
        JSON.object(["type": "ERROR", "object": error.status]).encoded() + [UInt8(ascii: "\n")]
    }

    private func writeEvents(to writer: any ResponseWriter) async throws {
        if let writer = writer as? any PushingWriter, self.stream.isImmediate,
            case .object = self.encoder.representation.form
        {
            var isFirst = true
            guard try await self.write(self.stream.initialEvents, isFirst: &isFirst, to: writer) else { return }
            return try await writer.push(WatchPush(self.stream, self.encoder))
        }
        var isFirst = true
        for await batch in self.stream {
            guard try await self.write(batch, isFirst: &isFirst, to: writer) else { return }
        }
    }

    /// Returns false after an event that couldn't be encoded.
    private func write(
        _ batch: [WatchEvent], isFirst: inout Bool, to writer: any ResponseWriter
    ) async throws -> Bool {
        // Nearly always it is one event, whose bytes are shared by all who watch it.
        var bytes: [UInt8] = []
        for event in batch {
            do {
                let encoded = try self.encoder.encode(event, isFirst: isFirst)
                isFirst = false
                if bytes.isEmpty { bytes = encoded } else { bytes += encoded }
            } catch {
                bytes += Self.failure(error)
                try await writer.write(bytes)
                return false
            }
            if bytes.count >= Self.chunkSize {
                try await writer.write(bytes)
                bytes = []
                // Many events are no reason to hold up the event loop's other connections.
                await Task.yield()
            }
        }
        try await writer.write(bytes)
        return true
    }
}
