/// The address of one object inside a logical cluster: `GROUP/PLURAL/NAMESPACE/NAME`.
///
/// The core group is written `core` and the namespace of a cluster-scoped object `_`, so that every key has four parts:
/// `core/pods/default/web-1`, `core/namespaces/_/default`, `apps/deployments/default/web`. Keys are ordered by their UTF-8
/// bytes, which makes a resource, and a namespace inside a resource, one contiguous range.
public struct Key: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The key as it is stored.
    public let text: String

    /// - Parameters:
    ///   - group: the API group; both `""` and `"core"` are the core group.
    ///   - namespace: `""` for a cluster-scoped object.
    public init(group: String, plural: String, namespace: String = "", name: String) {
        self.init("\(Key.prefix(group: group, plural: plural, namespace: namespace))\(name)")
    }

    /// The key with this text, as `text` gave it.
    public init(_ text: String) {
        var text = text
        text.makeContiguousUTF8()
        self.text = text
    }

    /// The API group, `""` for the core group.
    public var group: String {
        let group = part(0)
        return group == "core" ? "" : group
    }

    /// The plural resource name, such as `pods`.
    public var plural: String { part(1) }

    /// The namespace, `""` for a cluster-scoped object.
    public var namespace: String {
        let namespace = part(2)
        return namespace == "_" ? "" : namespace
    }

    /// The object's name.
    public var name: String { part(3) }

    /// `GROUP/PLURAL/`: what all keys of this key's resource start with.
    public var resourcePrefix: String { Key.resourcePrefix(of: text) ?? text }

    public var description: String { text }

    /// What the keys of a resource start with, in all namespaces (`namespace` nil) or in one (`""`: cluster-scoped).
    public static func prefix(group: String, plural: String, namespace: String? = nil) -> String {
        let resource = "\(group.isEmpty ? "core" : group)/\(plural)/"
        guard let namespace else { return resource }
        return "\(resource)\(namespace.isEmpty ? "_" : namespace)/"
    }

    public static func == (left: Key, right: Key) -> Bool { compareBytes(left.text, right.text) == 0 }

    public static func < (left: Key, right: Key) -> Bool { compareBytes(left.text, right.text) < 0 }

    /// The first two parts of a key or prefix with their slashes, nil when it has fewer.
    static func resourcePrefix(of text: String) -> String? {
        let bytes = text.utf8
        guard let first = bytes.firstIndex(of: UInt8(ascii: "/")),
            let second = bytes[bytes.index(after: first)...].firstIndex(of: UInt8(ascii: "/"))
        else { return nil }
        return String(text[...second])
    }

    /// The part between the slashes; a name is all that follows the third one.
    private func part(_ index: Int) -> String {
        let bytes = text.utf8
        var start = bytes.startIndex
        for _ in 0..<index {
            guard let slash = bytes[start...].firstIndex(of: UInt8(ascii: "/")) else { return "" }
            start = bytes.index(after: slash)
        }
        let end = index == 3 ? nil : bytes[start...].firstIndex(of: UInt8(ascii: "/"))
        return String(text[start..<(end ?? bytes.endIndex)])
    }
}
