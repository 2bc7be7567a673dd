import Glibc
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// A list's JSON, made by joining its objects' stored bytes: nothing is decoded, and a long list is never in memory as a whole.
struct ListBody: Sendable {
    private let objects: ObjectList
    private let head: [UInt8]
    private let prefix: ItemPrefix
    /// The request counts as in progress while the body is referred to.
    private let permit: RequestLimiter.Permit

    /// Lists shorter than this, in bytes, are sent in one piece with their length.
    private static let streamingSize = 256 << 10
    private static let chunkSize = 64 << 10
    /// Room for the object that makes a chunk full.
    private static let spare = 8 << 10

    init(_ result: ListResult, _ resource: ResourceType, permit: RequestLimiter.Permit) {
        self.permit = permit
        self.objects = result.objects
        var head: [UInt8] = Array("{\"kind\":".utf8)
        JSON.write(resource.listKind, to: &head)
        head += ",\"apiVersion\":".utf8
        JSON.write(resource.apiVersion, to: &head)
        head += ",\"metadata\":".utf8
        JSON.write(Self.metadata(result, resource), to: &head)
        head += ",\"items\":[".utf8
        self.head = head
        self.prefix = ItemPrefix(resource)
    }

    /// A list of custom resources says so when nothing follows.
    private static func metadata(_ result: ListResult, _ resource: ResourceType) -> JSON {
        var metadata = result.metadata
        if ItemPrefix.keepsKinds(resource), result.continueToken.isEmpty { metadata["continue"] = "" }
        return metadata
    }

    /// The whole list as a tree, for codings other than JSON.
    static func tree(_ result: ListResult, _ resource: ResourceType) -> JSON {
        let keepsKinds = ItemPrefix.keepsKinds(resource)
        let items = result.objects.map { object in
            guard !keepsKinds else { return object.tree }
            var tree = object.tree
            tree["apiVersion"] = nil
            tree["kind"] = nil
            return tree
        }
        return [
            "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion),
            "metadata": metadata(result, resource),
            "items": .array(items),
        ]
    }

    var response: APIResponse {
        guard self.isLong else {
            var bytes = self.head
            var isFirst = true
            for object in self.objects {
                self.append(object, isFirst: isFirst, to: &bytes)
                isFirst = false
            }
            bytes += "]}\n".utf8
            return .json(bytes)
        }
        let body = self
        return APIResponse(
            status: 200, headers: [.contentType: "application/json"],
            body: .stream(isEndless: false) { writer in
                var bytes = body.head
                bytes.reserveCapacity(Self.chunkSize + Self.spare)
                var isFirst = true
                for object in body.objects {
                    body.append(object, isFirst: isFirst, to: &bytes)
                    isFirst = false
                    if bytes.count >= Self.chunkSize {
                        try await writer.write(bytes)
                        bytes.removeAll(keepingCapacity: true)
                    }
                }
                bytes += "]}\n".utf8
                try await writer.write(bytes)
            })
    }

    /// Whether the list is worth streaming; looks no further than it must.
    private var isLong: Bool {
        var size = self.head.count
        for object in self.objects {
            size += object.bytes.count + 1
            if size > Self.streamingSize { return true }
        }
        return false
    }

    private func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        self.prefix.append(object.bytes, to: &bytes)
    }
}

/// Leaves out apiVersion and kind of a list's items: upstream's typed lists say them once, for all.
struct ItemPrefix: Sendable {
    private let version: [UInt8]
    private let kind: [UInt8]
    private let keepsKinds: Bool

    /// Lists of custom resources have no type of their own: there, every item says its kind.
    static func keepsKinds(_ resource: ResourceType) -> Bool { resource.definition != nil }

    init(_ resource: ResourceType) {
        self.keepsKinds = Self.keepsKinds(resource)
        // Keys are stored in order, so apiVersion comes first in nearly every kind, and kind often at once after it.
        self.version = Array("{\"apiVersion\":\"\(resource.apiVersion)\",".utf8)
        self.kind = Array("\"kind\":\"\(resource.kind)\",".utf8)
    }

    func append(_ object: [UInt8], to bytes: inout [UInt8]) {
        guard !self.keepsKinds, object.starts(with: self.version) else {
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

    /// Where the quote is that ends the string whose content begins at `start`. Strings are most of an object: the library's search
    /// goes through them many bytes at a time.
    private static func endOfString(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var index = start
        while index < bytes.count {
            guard let found = memchr(base + index, Int32(UInt8(ascii: "\"")), bytes.count - index) else { return nil }
            let quote = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
            var backslashes = 0
            while quote - backslashes > start, bytes[quote - backslashes - 1] == UInt8(ascii: "\\") { backslashes += 1 }
            if backslashes % 2 == 0 { return quote }
            index = quote + 1
        }
        return nil
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
                    guard let end = Self.endOfString(bytes, from: index + 1) else { return nil }
                    index = end
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
