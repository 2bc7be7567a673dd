import Glibc
import KubeObject
import KubeRegistry
import KubeSchema

/// Leaves out apiVersion and kind of a list's items: upstream's typed lists say them once, for all.
struct ItemPrefix: Sendable {
    private let version: [UInt8]
    private let kind: [UInt8]
    private let keepsKinds: Bool

    /// Lists of custom resources have no type of their own: there, every item says its kind.
    static func keepsKinds(_ resource: ResourceType) -> Bool { resource.definition != nil }

    /// The list's metadata. A list of custom resources says so when nothing follows.
    static func metadata(_ result: ListResult, _ resource: ResourceType) -> JSON {
        var metadata = result.metadata
        if Self.keepsKinds(resource), result.continueToken.isEmpty { metadata["continue"] = "" }
        return metadata
    }

    /// An item as a tree.
    static func tree(_ object: Object, _ resource: ResourceType) -> JSON {
        var tree = object.passingTree
        guard !Self.keepsKinds(resource) else { return tree }
        tree["apiVersion"] = nil
        tree["kind"] = nil
        return tree
    }

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
