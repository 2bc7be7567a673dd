import HTTPTypes
import KubeObject
import KubeRegistry

/// A list's body, made object by object, so that a long list is never in memory as a whole.
struct ListBody: Sendable {
    let objects: ObjectList
    let coding: any ListCoding
    /// The request counts as in progress while the body is referred to.
    let permit: RequestLimiter.Permit
    /// Those to give way to.
    let others: ShortRequests

    /// Lists whose objects are shorter than this, in bytes as they are stored, are sent in one piece with their length.
    private static let streamingSize = 256 << 10
    private static let chunkSize = 64 << 10
    /// Room for the object that makes a chunk full.
    private static let spare = 8 << 10
    /// In bytes that are only copied: what comes first is made as quickly as it can be, whoever else asks for something.
    private static let impolite = 4 << 20
    /// What it takes to go past an object whose size is known, in bytes that could be copied meanwhile.
    private static let known = 32

    /// - Throws: what the coding throws, for a short list; in a long one the response is cut off.
    func response() throws -> APIResponse {
        let headers: HTTPFields = [.contentType: self.coding.contentType]
        guard !self.isLong else {
            return APIResponse(
                status: 200, headers: headers,
                body: .stream(isEndless: false, weight: .heavy) { try await self.write(to: $0) })
        }
        var items: [UInt8] = []
        var isFirst = true
        for object in self.objects {
            try self.coding.append(object, isFirst: isFirst, to: &items)
            isFirst = false
        }
        return APIResponse(
            status: 200, headers: headers,
            body: .bytes(self.coding.prelude + self.coding.head(itemBytes: items.count) + items + self.coding.tail))
    }

    /// Whether the list is worth streaming; looks no further than it must.
    private var isLong: Bool {
        var size = 0
        for object in self.objects {
            size += object.bytes.count + 1
            if size > Self.streamingSize { return true }
        }
        return false
    }

    private func write(to writer: any ResponseWriter) async throws {
        var bytes = self.coding.prelude
        if self.coding.beginsWithSize {
            // Whoever waits sees that there is an answer, while what it begins with is found out.
            try await writer.write(bytes)
            bytes = self.coding.head(itemBytes: try await self.itemBytes())
        } else {
            bytes += self.coding.head(itemBytes: 0)
        }
        bytes.reserveCapacity(Self.chunkSize + Self.spare)
        var isFirst = true
        var written = 0
        for object in self.objects {
            try self.coding.append(object, isFirst: isFirst, to: &bytes)
            isFirst = false
            if bytes.count >= Self.chunkSize {
                try await writer.write(bytes)
                written += bytes.count
                bytes.removeAll(keepingCapacity: true)
                // A peer that takes everything at once never makes the writer wait.
                try await self.giveWay(after: written * self.coding.effort)
            }
        }
        bytes += self.coding.tail
        try await writer.write(bytes)
    }

    private func giveWay(after effort: Int) async throws {
        if effort > Self.impolite { try await self.others.giveWay() } else { await Task.yield() }
    }

    /// How long all items are together. The same objects are gone through again to be written.
    private func itemBytes() async throws -> Int {
        var size = 0
        var effort = 0
        var sinceBreak = 0
        for object in self.objects {
            let item = try self.coding.size(of: object)
            size += item.bytes
            sinceBreak += item.wasKnown ? Self.known : item.bytes
            effort += item.wasKnown ? Self.known : item.bytes * self.coding.effort
            if sinceBreak >= Self.chunkSize {
                sinceBreak = 0
                try Task.checkCancellation()
                try await self.giveWay(after: effort)
            }
        }
        return size
    }
}
