/// Turns a backend's links to itself into links through the proxy.
/// Source: k8s.io/apimachinery/pkg/util/proxy/transport.go
struct ProxyLinks: Sendable {
    /// The path through which the backend's `/` is reached, without a slash at its end.
    var prefix: String
    /// The backend's own `address:port`.
    var backend: String
    /// The `Host` that the client sent.
    var requestHost: String

    /// A link with the prefix before its path, when it means the backend and its path begins with a slash; others stay as they are.
    func rewrite(_ link: String) -> String {
        var authority = ""
        var scheme = ""
        var path = link[...]
        for candidate in ["http://", "https://", "//"] where link.lowercased().hasPrefix(candidate) {
            let rest = link.dropFirst(candidate.utf8.count)
            authority = String(rest.prefix { !"/?#".contains($0) })
            scheme = String(link.prefix(candidate.utf8.count))
            path = rest.dropFirst(authority.count)
            break
        }
        guard authority.isEmpty || authority == self.backend || authority == self.requestHost, path.hasPrefix("/") else {
            return link
        }
        let place = authority == self.requestHost ? scheme + authority : ""
        return place + (path.hasPrefix(self.prefix) ? "" : self.prefix) + path
    }
}
