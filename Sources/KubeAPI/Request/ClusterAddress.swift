/// Which cluster a request is for, and the path within it.
struct ClusterAddress: Sendable, Equatable {
    enum Target: Sendable, Equatable {
        case name(String)
        /// ``LogicalCluster/id`` of the pod's cluster that the connection comes from.
        case id(Int64)
    }

    var target: Target
    /// Still percent-encoded, beginning with a slash.
    var path: String
    /// The path to give the client for ``path``, as in links and redirections: what it asked for, but without `/clusters/NAME` where the
    /// name that it asked for says the same cluster. That is as an API server has it that knows of no others, and leads there, too.
    var linkPath: String

    /// The cluster that is meant when nothing says which.
    static let root = "root"

    /// The path's `/clusters/NAME` comes first, then the host name or the handshake's server name (`NAME.domain`), then the pod
    /// that the connection comes from.
    init(_ request: APIRequest, domain: String?, podCluster: (String) -> Int64?) {
        let path = request.rawPath.isEmpty ? "/" : request.rawPath
        let prefix = "/clusters/"
        if path.hasPrefix(prefix) {
            let rest = path.utf8.dropFirst(prefix.utf8.count)
            let name = rest.prefix { $0 != UInt8(ascii: "/") }
            let below = rest[name.endIndex...]
            let decoded = PercentCoding.decode(Substring(name))
            self.target = .name(decoded)
            self.path = below.isEmpty ? "/" : String(Substring(below))
            self.linkPath = Self.named(by: request, under: domain) == decoded ? self.path : path
            return
        }
        self.path = path
        self.linkPath = path
        if let name = Self.named(by: request, under: domain) {
            self.target = .name(name)
            return
        }
        if let id = podCluster(request.connection.address) {
            self.target = .id(id)
        } else {
            self.target = .name(Self.root)
        }
    }

    /// The cluster that the host name or the handshake's server name says.
    private static func named(by request: APIRequest, under domain: String?) -> String? {
        guard let domain else { return nil }
        for host in [request.authority, request.connection.serverName ?? ""] {
            if let name = Self.label(of: host, under: domain) { return name }
        }
        return nil
    }

    /// `demo` of `demo.sampan.test:6443`; nil for other hosts, and for the domain itself.
    private static func label(of authority: String, under domain: String) -> String? {
        let host = authority.utf8.prefix { $0 != UInt8(ascii: ":") }
        let label = host.prefix { $0 != UInt8(ascii: ".") }
        // Most are too long or too short, and need no look at their letters.
        guard !label.isEmpty, host.count == label.count + 1 + domain.utf8.count,
            Substring(host.suffix(domain.utf8.count)).lowercased() == domain.lowercased()
        else { return nil }
        return Substring(label).lowercased()
    }
}
