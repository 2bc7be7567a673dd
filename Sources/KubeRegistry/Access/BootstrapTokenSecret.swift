import FoundationEssentials
public import KubeObject

/// What a secret of the type `bootstrap.kubernetes.io/token` says: a short-lived token by which a node, or a tool, gets its first credentials.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
public struct BootstrapTokenSecret: Sendable, Equatable {
    public static let secretType = "bootstrap.kubernetes.io/token"
    /// The namespace of the secrets.
    public static let namespace = "kube-system"
    private static let group = "system:bootstrappers"

    /// Six lower-case letters and digits; public.
    public let id: String
    /// Sixteen lower-case letters and digits in a token that can be sent.
    public let secret: String
    public let usages: Set<String>
    /// Seconds since 1970: nil for ever, 0 when what is written is no time.
    public let expiration: Double?
    /// Nil when one of them is none that such a token can give.
    public let groups: [String]?

    /// Nil for a secret of another type or name.
    public init?(_ object: Object) {
        let tree = object.tree
        guard object.metadata.namespace == Self.namespace, tree["type"]?.string == Self.secretType,
            object.metadata.deletionTimestamp == nil
        else { return nil }
        func text(_ key: String) -> String {
            guard let encoded = tree[path: "data", key]?.string, let bytes = Data(base64Encoded: encoded) else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        id = text("token-id")
        secret = text("token-secret")
        guard !id.isEmpty, !secret.isEmpty, object.metadata.name == Self.secretName(of: id) else { return nil }
        usages = Set(["authentication", "signing"].filter { text("usage-bootstrap-\($0)") == "true" })
        let end = text("expiration")
        expiration = end.isEmpty ? nil : Timestamp.parse(end) ?? 0
        groups = Self.groups(text("auth-extra-groups"))
    }

    public static func secretName(of id: String) -> String { "bootstrap-token-\(id)" }

    /// The parts of a token as it is sent, `ID.SECRET`; nil for what isn't one.
    public static func parse(_ token: String) -> (id: String, secret: String)? {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 6, parts[1].count == 16, parts.allSatisfy({ $0.allSatisfy(isLetterOrDigit) })
        else { return nil }
        return (String(parts[0]) ?? "", String(parts[1]) ?? "")
    }

    public func isExpired(at now: Double) -> Bool { expiration.map { $0 <= now } ?? false }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func groups(_ text: String) -> [String]? {
        guard !text.isEmpty else { return [group] }
        var groups: Set<String> = [group]
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            let rest = name.utf8.dropFirst(group.utf8.count + 1)
            guard name.hasPrefix("\(group):"), (1...256).contains(rest.count), let last = rest.last, isLetterOrDigit(last),
                rest.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") })
            else { return nil }
            groups.insert(String(name))
        }
        return groups.sorted()
    }
}
