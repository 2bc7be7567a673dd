/// The name of something that is proxied to: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
/// Source: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
struct SchemeNamePort: Equatable {
    var isHTTPS: Bool
    var name: String
    /// A number or a name; empty when none is said.
    var port: String

    /// Nil for anything else.
    init?(_ text: String) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var scheme = ""
        if parts.count == 3 { scheme = parts.removeFirst() }
        guard parts.count <= 2, ["", "http", "https"].contains(scheme), let name = parts.first, !name.isEmpty else { return nil }
        self.isHTTPS = scheme == "https"
        self.name = name
        self.port = parts.count == 2 ? parts[1] : ""
    }
}
