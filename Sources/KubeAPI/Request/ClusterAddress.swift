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

    /// The cluster that is meant when nothing says which.
    static let root = "root"

    /// The path's `/clusters/NAME` comes first, then the host name or the handshake's server name (`NAME.domain`), then the pod
    /// that the connection comes from.
    init(_ request: APIRequest, domain: String?, podCluster: (String) -> Int64?) {
        let path = request.rawPath.isEmpty ? "/" : request.rawPath
        let prefix = "/clusters/"
        if path.hasPrefix(prefix) {
            let rest = path.dropFirst(prefix.count)
            let name = rest.prefix { $0 != "/" }
            let below = rest.dropFirst(name.count)
            self.target = .name(PercentCoding.decode(name))
            self.path = below.isEmpty ? "/" : String(below)
            return
        }
        self.path = path
        if let domain {
            for host in [request.authority, request.connection.serverName ?? ""] {
                if let name = Self.label(of: host, under: domain) {
                    self.target = .name(name)
                    return
                }
            }
        }
        if let id = podCluster(request.connection.address) {
            self.target = .id(id)
        } else {
            self.target = .name(Self.root)
        }
    }

    /// `demo` of `demo.sampan.test:6443`; nil for other hosts, and for the domain itself.
    private static func label(of authority: String, under domain: String) -> String? {
        let host = authority.prefix { $0 != ":" }.lowercased()
        guard host.hasSuffix("." + domain.lowercased()) else { return nil }
        let label = host.dropLast(domain.count + 1)
        return label.contains(".") || label.isEmpty ? nil : String(label)
    }
}
