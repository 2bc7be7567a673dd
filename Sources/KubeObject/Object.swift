import Synchronization

/// Why bytes or a tree aren't an API object.
public struct ObjectError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// An immutable API object: what is stored, published to watchers and sent to clients.
///
/// The canonical bytes and the metadata that the server itself reads are always there. The tree is decoded when somebody first
/// asks for it and kept from then on, so that the controllers that look at an object share one tree.
///
/// Concurrency: everything but the tree is immutable; the tree is filled in once, behind a mutex.
public final class Object: Sendable {
    /// The canonical JSON, with `metadata.resourceVersion`.
    public let bytes: [UInt8]
    public let metadata: Metadata
    public let apiVersion: String
    public let kind: String

    private enum CachedTree {
        case none
        /// As the draft had it: with whatever resourceVersion the object had before.
        case unsealed(JSON)
        case whole(JSON)
    }

    private let cachedTree: Mutex<CachedTree>
    private let foundSize = Atomic<Int>(0)

    /// The whole object.
    public var tree: JSON {
        if let cached = cached { return cached }
        // Outside of the lock: whoever decodes it a second time meanwhile gets the same.
        let tree = decoded
        cachedTree.withLock { $0 = .whole(tree) }
        return tree
    }

    /// The whole object, for somebody who goes through many: unless somebody keeps the tree already, it is decoded and not kept.
    public var passingTree: JSON { cached ?? decoded }

    /// The bytes are our own encoding (checked by every initializer), so that reading them again can't fail.
    private var decoded: JSON { (try? JSON(parsing: bytes)) ?? .null }

    /// The tree that is kept. Its resourceVersion is set when somebody first looks: the store's writer has better things to do.
    private var cached: JSON? {
        cachedTree.withLock { cached in
            switch cached {
            case .none: return nil
            case .whole(let tree): return tree
            case .unsealed(var tree):
                cached = .none
                tree[path: "metadata", "resourceVersion"] = .string(String(metadata.resourceVersion))
                cached = .whole(tree)
                return tree
            }
        }
    }

    /// How many bytes the object takes in a coding other than its own, once somebody has found out; 0 until then. There is one such
    /// coding, protobuf, in which a list begins with the sum of its objects' sizes.
    public var codedSize: Int {
        get { foundSize.load(ordering: .relaxed) }
        set { foundSize.store(newValue, ordering: .relaxed) }
    }

    /// Forgets the decoded tree; the next reader decodes it again. For objects that are kept but seldom looked at.
    public func dropTree() { cachedTree.withLock { $0 = .none } }

    /// - Parameter unsealed: the tree, but for its resourceVersion.
    init(bytes: [UInt8], metadata: Metadata, apiVersion: String, kind: String, unsealed: JSON? = nil) {
        self.bytes = bytes
        self.metadata = metadata
        self.apiVersion = apiVersion
        self.kind = kind
        self.cachedTree = Mutex(unsealed.map { .unsealed($0) } ?? .none)
    }

    /// Reads an object that was encoded before. The tree isn't kept.
    ///
    /// - Throws: `ObjectError` when the bytes aren't JSON or the metadata has members of a wrong type.
    public convenience init(bytes: [UInt8]) throws(ObjectError) {
        let tree: JSON
        do { tree = try JSON(parsing: bytes) } catch { throw ObjectError("\(error.description) at byte \(error.offset)") }
        self.init(
            bytes: bytes, metadata: try Metadata(of: tree), apiVersion: tree["apiVersion"]?.string ?? "",
            kind: tree["kind"]?.string ?? "")
    }

    /// Encodes a tree with `metadata.resourceVersion` set.
    public convenience init(_ tree: JSON, resourceVersion: UInt64) throws(ObjectError) {
        let sealed = try Draft(tree).sealed(resourceVersion: resourceVersion)
        self.init(
            bytes: sealed.bytes, metadata: sealed.metadata, apiVersion: sealed.apiVersion, kind: sealed.kind, unsealed: tree)
    }
}

/// An object that is encoded except for its resourceVersion, which only the commit knows: the store's writer splices digits in and
/// never encodes.
public struct Draft: Sendable {
    /// The metadata; `resourceVersion` is what the tree said, not what it will be.
    public let metadata: Metadata
    /// As given.
    public let tree: JSON

    private let head: [UInt8]
    private let tail: [UInt8]

    /// - Throws: `ObjectError` when this isn't an object, or metadata has members of a wrong type.
    public init(_ tree: JSON) throws(ObjectError) {
        guard case .object(let members) = tree else { throw ObjectError("an API object must be a JSON object") }
        self.tree = tree
        metadata = try Metadata(of: tree)

        var output: [UInt8] = [UInt8(ascii: "{")]
        output.reserveCapacity(1024)
        var head: [UInt8]?
        var hasMetadata = false
        var isFirst = true
        for (key, value) in members {
            if !hasMetadata, key == "metadata" || key > "metadata" {
                hasMetadata = true
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                Draft.writeMetadata(key == "metadata" ? value.object ?? [:] : [:], to: &output, head: &head)
                if key == "metadata" { continue }
            }
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            JSON.write(key, to: &output)
            output.append(UInt8(ascii: ":"))
            JSON.write(value, to: &output)
        }
        if !hasMetadata {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            Draft.writeMetadata([:], to: &output, head: &head)
        }
        output.append(UInt8(ascii: "}"))
        self.head = head ?? []
        self.tail = output
    }

    /// Writes the metadata so that `head` gets everything up to the digits of the resourceVersion and `output` goes on after them.
    private static func writeMetadata(_ metadata: JSONObject, to output: inout [UInt8], head: inout [UInt8]?) {
        output.append(contentsOf: "\"metadata\":{".utf8)
        var isFirst = true
        func comma(_ output: inout [UInt8]) {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
        }
        func split(_ output: inout [UInt8]) {
            comma(&output)
            output.append(contentsOf: "\"resourceVersion\":\"".utf8)
            head = output
            output = [UInt8(ascii: "\"")]
            output.reserveCapacity(1024)
        }
        for (key, value) in metadata where key != "resourceVersion" {
            if head == nil, key > "resourceVersion" { split(&output) }
            comma(&output)
            JSON.write(key, to: &output)
            output.append(UInt8(ascii: ":"))
            JSON.write(value, to: &output)
        }
        if head == nil { split(&output) }
        output.append(UInt8(ascii: "}"))
    }

    /// About how many bytes the object will have.
    public var byteCount: Int { head.count + tail.count }

    /// The object at a resourceVersion.
    public func sealed(resourceVersion: UInt64) -> Object {
        let digits = String(resourceVersion)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + digits.utf8.count + tail.count)
        bytes += head
        bytes += digits.utf8
        bytes += tail
        var metadata = metadata
        metadata.resourceVersion = resourceVersion
        return Object(
            bytes: bytes, metadata: metadata, apiVersion: tree["apiVersion"]?.string ?? "", kind: tree["kind"]?.string ?? "",
            unsealed: tree)
    }
}
