/// An image's name as the container engines write it in full: `nginx` is `docker.io/library/nginx:latest`.
///
/// The rules are those of the distribution reference grammar that kubelet and containerd share.
public struct ImageName: Sendable, Hashable, CustomStringConvertible {
    /// Registry and path: `docker.io/library/nginx`.
    public var repository: String
    public var tag: String?
    /// `sha256:...`
    public var digest: String?

    /// The full name.
    public var description: String { repository + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "") }

    /// Nil when the text is no image reference; kubelet says `InvalidImageName` then.
    public init?(_ text: String) {
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            let digest = rest[rest.index(after: at)...]
            let parts = digest.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[1].count >= 32, parts[1].allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else {
                return nil
            }
            self.digest = String(digest)
            rest = rest[..<at]
        }
        let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[lastSlash...].lastIndex(of: ":") {
            let tag = rest[rest.index(after: colon)...]
            guard !tag.isEmpty, tag.utf8.count <= 128, tag.first != ".", tag.first != "-",
                tag.utf8.allSatisfy({ Self.isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
            else { return nil }
            self.tag = String(tag)
            rest = rest[..<colon]
        }
        guard !rest.isEmpty else { return nil }
        var domain = "docker.io"
        var path = String(rest)
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(where: { $0 == "." || $0 == ":" }) || first == "localhost" || first.contains(where: \.isUppercase) {
                domain = String(first)
                path = String(rest[rest.index(after: slash)...])
            }
        }
        guard Self.isHost(domain) else { return nil }
        if domain == "index.docker.io" { domain = "docker.io" }
        if domain == "docker.io" && !path.contains("/") { path = "library/" + path }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            guard let first = part.utf8.first, let last = part.utf8.last, Self.isLowerOrDigit(first), Self.isLowerOrDigit(last),
                part.utf8.allSatisfy({
                    Self.isLowerOrDigit($0) || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains($0)
                })
            else { return nil }
        }
        repository = "\(domain)/\(path)"
        if tag == nil && digest == nil { tag = "latest" }
    }

    /// The registry's host, with its port.
    public var registry: String { String(repository.prefix { $0 != "/" }) }

    /// Names joined by dots, or an IPv6 address in brackets; then a port, if there is one.
    private static func isHost(_ text: String) -> Bool {
        var host = text[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            let port = host[host.index(after: colon)...].utf8
            guard !port.isEmpty, port.allSatisfy({ (48...57).contains($0) }) else { return false }
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            return host.hasSuffix("]")
                && host.dropFirst().dropLast().allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":") } && host.utf8.count > 3
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            let dash = UInt8(ascii: "-")
            return first != dash && last != dash && label.utf8.allSatisfy { $0 == dash || ($0 != 95 && Self.isWord($0)) }
        }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
    }
}
