import KubeObject
import KubeRegistry
import KubeStore

/// How a webhook is reached: free of I/O.
struct WebhookRoute: Sendable, Hashable {
    /// The name that the certificate must be for, and that the request says.
    var host: String
    /// The port that the request says.
    var port: Int
    /// Where to connect instead of to `host`, when that is no name that resolvers know.
    var address: String?
    var connectPort: Int
    /// With a leading slash, and with the query that the target has.
    var path: String

    /// The route of a URL.
    ///
    /// - Throws: for anything but `https` URLs without user, query and fragment.
    init(url: String) throws(WebhookFailure) {
        guard url.hasPrefix("https://") else { throw WebhookFailure("unsupported protocol scheme: webhooks are asked by https") }
        let rest = url.dropFirst("https://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest.dropFirst(authority.count)
        guard !authority.contains("@"), !authority.contains("["), !path.contains("#"),
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw WebhookFailure("invalid URL: host, port and path are all that a webhook's has") }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2 else { throw WebhookFailure("no Host in request URL") }
        var port = 443
        if parts.count == 2 {
            guard let given = Int(parts[1]), (1...65_535).contains(given) else {
                throw WebhookFailure("invalid port \"\(parts[1])\" after host")
            }
            port = given
        }
        self.init(host: String(host), port: port, address: nil, connectPort: port, path: path.isEmpty ? "/" : String(path))
    }

    private init(host: String, port: Int, address: String?, connectPort: Int, path: String) {
        self.host = host
        self.port = port
        self.address = address
        self.connectPort = connectPort
        self.path = path
    }

    private struct Endpoint {
        var address: String
        var port: Int
    }

    /// The route to a service of a cluster: to one of its endpoints that are ready.
    ///
    /// - Parameters:
    ///   - host: the name that its certificate must be for; nil for the one that services have in a cluster.
    ///   - choose: picks an index below the number that it is given.
    /// - Throws: when there is no such service, port or endpoint, in upstream's words.
    init(
        namespace: String, name: String, host: String? = nil, port: Int, path: String, in snapshot: Snapshot,
        choose: (Int) -> Int
    ) throws(WebhookFailure) {
        let full = path.hasPrefix("/") ? path : "/\(path)"
        guard let service = snapshot.get(Key(group: "", plural: "services", namespace: namespace, name: name)) else {
            throw WebhookFailure("service \"\(name)\" not found")
        }
        let spec = service.tree["spec"] ?? [:]
        if spec["type"]?.string == "ExternalName" {
            let external = spec["externalName"]?.string ?? ""
            self.init(host: external, port: port, address: nil, connectPort: port, path: full)
            return
        }
        guard let entry = spec["ports"]?.elements.first(where: { $0["port"]?.int == Int64(port) }) else {
            throw WebhookFailure("no service port \(port) found for service \"\(name)\"")
        }
        let endpoints = Self.endpoints(namespace, name, port: entry["name"]?.string ?? "", in: snapshot)
        guard !endpoints.isEmpty else { throw WebhookFailure("no endpoints available for service \"\(name)\"") }
        let endpoint = endpoints[choose(endpoints.count)]
        self.init(
            host: host ?? "\(name).\(namespace).svc", port: port, address: endpoint.address, connectPort: endpoint.port,
            path: full)
    }

    private static func endpoints(_ namespace: String, _ name: String, port: String, in snapshot: Snapshot) -> [Endpoint] {
        let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: namespace)
        return snapshot.list(prefix: prefix).filter { $0.metadata.labels["kubernetes.io/service-name"] == name }
            .flatMap { slice -> [Endpoint] in
                let tree = slice.tree
                guard tree["addressType"]?.string == "IPv4",
                    let number = (tree["ports"]?.elements ?? []).first(where: { ($0["name"]?.string ?? "") == port })?["port"]?
                        .int
                else { return [] }
                return (tree["endpoints"]?.elements ?? []).compactMap { endpoint in
                    guard endpoint[path: "conditions", "ready"]?.bool ?? true,
                        let address = endpoint["addresses"]?.elements.first?.string
                    else { return nil }
                    return Endpoint(address: address, port: Int(number))
                }
            }
    }
}
