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
    /// In bytes: what comes first is sent as quickly as it can be, whoever else asks for something.
    private static let impolite = 4 << 20

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
            status: 200, headers: headers, body: .bytes(self.coding.head(itemBytes: items.count) + items + self.coding.tail))
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
        var bytes = self.coding.head(itemBytes: self.coding.beginsWithSize ? try await self.itemBytes() : 0)
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
                try await self.giveWay(after: written)
            }
        }
        bytes += self.coding.tail
        try await writer.write(bytes)
    }

    private func giveWay(after bytes: Int) async throws {
        if bytes > Self.impolite { try await self.others.giveWay() } else { await Task.yield() }
    }

    /// How long all items are together. The same objects are gone through again to be written.
    private func itemBytes() async throws -> Int {
        var size = 0
        var read = 0
        for object in self.objects {
            size += try self.coding.size(of: object)
            let before = read
            read += object.bytes.count
            if read / Self.chunkSize > before / Self.chunkSize {
                try Task.checkCancellation()
                try await self.giveWay(after: read)
            }
        }
        return size
    }
}
