import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import NIOSSL

extension APIServer {
    /// `…/pods/NAME/proxy/…` and `…/services/NAME/proxy/…`, with any method.
    func proxy(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let kind = resource.plural == "pods" ? "pod" : "service"
        guard let name = SchemeNamePort(call.info.name) else {
            throw .badRequest("invalid \(kind) request \"\(call.info.name)\"")
        }
        try await self.admitConnection(call, resource)
        var backend =
            kind == "pod" ? try self.podBackend(name, call, resource) : try self.serviceBackend(name, call, resource)
        if name.isHTTPS { backend.tls = try Self.tls() }
        let path = ProxyPath(call.linkPath, rest: call.info.rest.count)
        if path.rest.isEmpty, !ProxyHeaders.asksForUpgrade(call.request), [.get, .head].contains(call.request.method) {
            return APIResponse(
                status: 301, headers: [.location: path.prefix + "/" + call.request.queryText], body: .bytes([]))
        }
        var headers = ProxyHeaders.request(
            call.request.headers, clientAddress: call.request.connection.address,
            keepsUpgrade: ProxyHeaders.asksForUpgrade(call.request))
        headers[.xForwardedURI] = path.prefix + path.rest
        let permit = call.permit
        return Proxy(
            backend: backend, target: (path.rest.isEmpty ? "/" : path.rest) + call.request.queryText, headers: headers,
            host: call.request.authority,
            links: ProxyLinks(prefix: path.prefix, backend: backend.authority, requestHost: call.request.authority),
            failure: { why in
                _ = permit
                return .failure(.serviceUnavailable("error trying to reach service: \(why)"))
            }
        ).response(to: call.request)
    }

    private func podBackend(_ name: SchemeNamePort, _ call: Call, _ resource: ResourceType) throws(StatusError) -> Backend {
        let pod = try self.registry.get(resource, namespace: call.info.namespace, name: name.name, call.context)
        let tree = pod.tree
        let ports = (tree[path: "spec", "containers"]?.elements ?? []).flatMap { $0["ports"]?.elements ?? [] }
        var port = name.port.isEmpty ? ports.first?["containerPort"]?.int ?? (name.isHTTPS ? 443 : 80) : Int64(name.port)
        if port == nil { port = ports.first { $0["name"]?.string == name.port }?["containerPort"]?.int }
        guard let port, (1...65535).contains(port) else {
            throw .serviceUnavailable("error trying to reach service: dial tcp: lookup tcp/\(name.port): unknown port")
        }
        let address = tree[path: "status", "podIP"]?.string ?? ""
        // Anybody who may write a pod's status may write any address there.
        guard let owner = self.addressBook.pod(at: address), owner.cluster == call.cluster.id, owner.uid == pod.metadata.uid
        else {
            throw .badRequest("address not allowed")
        }
        return Backend(address: address, port: Int(port))
    }

    private func serviceBackend(_ name: SchemeNamePort, _ call: Call, _ resource: ResourceType) throws(StatusError) -> Backend {
        let service = try self.registry.get(resource, namespace: call.info.namespace, name: name.name, call.context)
        var port = name.port
        if let number = Int64(name.port) {
            let ports = service.tree[path: "spec", "ports"]?.elements ?? []
            guard let found = ports.first(where: { $0["port"]?.int == number }) else {
                throw .serviceUnavailable("no service port \(number) found for service \"\(name.name)\"")
            }
            port = found["name"]?.string ?? ""
        }
        let endpoints = ServiceEndpoints(
            cluster: call.cluster, addressBook: self.addressBook, namespace: call.info.namespace)
        guard let chosen = endpoints.ready(name.name, port: port).randomElement() else {
            throw .serviceUnavailable("no endpoints available for service \"\(call.info.name)\"")
        }
        return Backend(address: chosen.address, port: chosen.port)
    }

    private static func tls() throws(StatusError) -> NIOSSLContext {
        do { return try Backend.unverifiedTLS() } catch { throw .internalError("TLS can't be set up: \(error)") }
    }
}

/// Where in a request's path the proxied part begins.
struct ProxyPath: Equatable {
    /// Up to `/proxy`, with its percent escapes.
    var prefix: String
    /// Beginning with a slash, with its percent escapes; empty when the path ends with `/proxy`.
    var rest: String

    /// - Parameter rest: how many parts of the path belong to what is proxied.
    init(_ path: String, rest: Int) {
        var left = path[...]
        // From the end: slashes are skipped, parts are counted.
        for _ in 0..<rest {
            left = left.prefix(upTo: left.lastIndex { $0 != "/" }.map { left.index(after: $0) } ?? left.startIndex)
            left = left.prefix(upTo: left.lastIndex(of: "/").map { left.index(after: $0) } ?? left.startIndex)
        }
        let prefix = left.prefix(upTo: left.lastIndex { $0 != "/" }.map { left.index(after: $0) } ?? left.startIndex)
        self.prefix = String(prefix)
        self.rest = String(path[prefix.endIndex...])
    }
}
