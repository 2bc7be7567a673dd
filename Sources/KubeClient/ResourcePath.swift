public import KubeObject

/// The path of a collection, an object or a subresource, below an API server's root.
public struct ResourcePath: Sendable, Hashable, CustomStringConvertible {
    public var resource: GroupVersionResource
    /// Empty for cluster-scoped resources and for all namespaces at once.
    public var namespace: String
    /// Empty for the collection.
    public var name: String
    /// Such as `status` or `scale`; empty for the object itself.
    public var subresource: String

    public init(_ resource: GroupVersionResource, namespace: String = "", name: String = "", subresource: String = "") {
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
    }

    /// `/apis/apps/v1/namespaces/default/deployments/web`, or `/api/v1/...` for the core group; each part percent-encoded.
    public var description: String {
        var path = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
        if !namespace.isEmpty { path += "/namespaces/\(percentEncoded(namespace))" }
        path += "/\(resource.resource)"
        if !name.isEmpty { path += "/\(percentEncoded(name))" }
        if !subresource.isEmpty { path += "/\(subresource)" }
        return path
    }
}

/// `text` with everything but RFC 3986's unreserved characters percent-encoded, so that it is one path segment or one query value.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            bytes.append(byte)
        default:
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
