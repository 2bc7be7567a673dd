import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// A list's JSON, made by joining its objects' stored bytes: nothing is decoded, and a long list is never in memory as a whole.
struct ListBody: Sendable {
    private let objects: [Object]
    private let head: [UInt8]
    private let prefix: ItemPrefix
    /// The request counts as in progress while the body is referred to.
    private let permit: RequestLimiter.Permit

    /// Lists shorter than this, in bytes, are sent in one piece with their length.
    private static let streamingSize = 256 << 10
    private static let chunkSize = 64 << 10

    init(_ result: ListResult, _ resource: ResourceType, permit: RequestLimiter.Permit) {
        self.permit = permit
        self.objects = result.objects
        var head: [UInt8] = Array("{\"kind\":".utf8)
        JSON.write(resource.listKind, to: &head)
        head += ",\"apiVersion\":".utf8
        JSON.write(resource.apiVersion, to: &head)
        head += ",\"metadata\":".utf8
        JSON.write(result.metadata, to: &head)
        head += ",\"items\":[".utf8
        self.head = head
        self.prefix = ItemPrefix(resource)
    }

    var response: APIResponse {
        let size = self.head.count + self.objects.reduce(3) { $0 + $1.bytes.count + 1 }
        guard size > Self.streamingSize else {
            var bytes = self.head
            bytes.reserveCapacity(size)
            for (index, object) in self.objects.enumerated() { self.append(object, isFirst: index == 0, to: &bytes) }
            bytes += "]}\n".utf8
            return .json(bytes)
        }
        let body = self
        return APIResponse(
            status: 200, headers: [.contentType: "application/json"],
            body: .stream(isEndless: false) { writer in
                var bytes = body.head
                for (index, object) in body.objects.enumerated() {
                    body.append(object, isFirst: index == 0, to: &bytes)
                    if bytes.count >= Self.chunkSize {
                        try await writer.write(bytes)
                        bytes.removeAll(keepingCapacity: true)
                    }
                }
                bytes += "]}\n".utf8
                try await writer.write(bytes)
            })
    }

    private func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        self.prefix.append(object.bytes, to: &bytes)
    }
}

/// Leaves out apiVersion and kind of a list's items: upstream's typed lists say them once, for all.
struct ItemPrefix: Sendable {
    /// Custom objects have no typed lists: upstream's say what they are, each of them.
    private let isKept: Bool
    private let version: [UInt8]
    private let kind: [UInt8]

    init(_ resource: ResourceType) {
        self.isKept = resource.definition != nil
        // Keys are stored in order, so apiVersion comes first in nearly every kind, and kind often at once after it.
        self.version = Array("{\"apiVersion\":\"\(resource.apiVersion)\",".utf8)
        self.kind = Array("\"kind\":\"\(resource.kind)\",".utf8)
    }

    func append(_ object: [UInt8], to bytes: inout [UInt8]) {
        guard !self.isKept, object.starts(with: self.version) else {
            bytes += object
            return
        }
        bytes.append(UInt8(ascii: "{"))
        let rest = object[self.version.count...]
        if rest.starts(with: self.kind) {
            bytes += rest.dropFirst(self.kind.count)
        } else if let start = Self.topLevelKind(in: object, from: self.version.count, self.kind) {
            bytes += object[self.version.count..<start]
            bytes += object[(start + self.kind.count)...]
        } else {
            bytes += rest
        }
    }

    /// Where the member `kind` of the outermost object begins.
    private static func topLevelKind(in object: [UInt8], from start: Int, _ kind: [UInt8]) -> Int? {
        object.withUnsafeBufferPointer { bytes in
            var depth = 1
            var index = start
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\""):
                    if depth == 1, index + kind.count <= bytes.count,
                        bytes[index..<index + kind.count].elementsEqual(kind)
                    {
                        return index
                    }
                    index += 1
                    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                    }
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                index += 1
            }
            return nil
        }
    }
}
