import Crypto
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

/// Everything that is no resource: discovery, health, version, metrics, keys.
extension APIServer {
    func handlePath(_ call: Call) async throws(StatusError) -> APIResponse {
        let request = call.request
        try Self.checkMethod(call.info, request)
        if let response = self.publicPath(call.info, request) { return response }
        let parts = call.info.path.split(separator: "/").map(String.init)
        switch parts.first {
        case nil: return self.rootPaths(call)
        case "index.html" where parts.count == 1: return self.rootPaths(call)
        case "api", "apis", "openapi": return try await self.discovery(parts, call)
        case "metrics" where parts.count == 1: return self.metricsPage(call.cluster)
        case ".well-known" where parts == [".well-known", "openid-configuration"]:
            return self.openIDConfiguration()
        case "openid" where parts == ["openid", "v1", "jwks"]:
            return try self.webKeys(call)
        case "version": throw .unknownPath()
        default: return self.noPath(call)
        }
    }

    /// Which paths have verbs: upstream's routes of documents do, and the rest, such as checks of health, answer to whatever comes.
    private static func checkMethod(_ info: RequestInfo, _ request: APIRequest) throws(StatusError) {
        guard request.method != .get, request.method != .head else { return }
        let parts = info.path.split(separator: "/")
        switch parts.first {
        case "version" where parts.count == 1: throw .methodNotAllowed()
        case "api", ".well-known", "openid": throw .methodNotAllowed()
        case "apis" where parts.count > 2: throw .methodNotAllowed()
        default: break
        }
    }

    /// What everybody may see; nil for other paths.
    func publicPath(_ info: RequestInfo, _ request: APIRequest) -> APIResponse? {
        guard !info.isResource else { return nil }
        let parts = info.path.split(separator: "/").map(String.init)
        switch parts.first {
        case "version" where parts.count == 1 && (request.method == .get || request.method == .head):
            return self.respond(with: ServerVersion.document, to: request)
        case "healthz", "livez", "readyz": return self.health(parts, request)
        default: return nil
        }
    }

    private func rootPaths(_ call: Call) -> APIResponse {
        var paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/openid/v1/jwks"]
        for group in self.registry.schema(of: call.cluster).groups where !group.name.isEmpty {
            paths.append("/apis/\(group.name)")
            paths += group.versions.map { "/apis/\($0.groupVersion.apiVersion)" }
        }
        return self.paths(paths, status: 200)
    }

    /// What is at a path that nobody knows: the paths of the last of upstream's servers that was asked for it, which is the one that has
    /// the definitions of custom resources.
    func noPath(_ call: Call) -> APIResponse {
        let group = "/apis/apiextensions.k8s.io"
        return self.paths([group, "\(group)/v1"], status: 404)
    }

    private func paths(_ own: [String], status: Int) -> APIResponse {
        var paths = own + ["/apis", "/apis/", "/metrics", "/openapi/v2", "/openapi/v3", "/version"]
        for probe in ["healthz", "livez", "readyz"] {
            paths.append("/\(probe)")
            paths += self.checks(of: probe).map { "/\(probe)/\($0.name)" }
        }
        let document: JSON = ["paths": JSON(paths.sorted())]
        var response = APIResponse.json(Array(document.pretty().utf8))
        response.status = status
        return response
    }

    // MARK: Health

    private func checks(of probe: String) -> [(name: String, failure: String?)] {
        [("ping", nil), ("log", nil)] + (probe == "readyz" ? self.configuration.readiness() : [])
    }

    /// Nil where there is no such check.
    private func health(_ parts: [String], _ request: APIRequest) -> APIResponse? {
        var checks = self.checks(of: parts[0])
        if parts.count == 2 {
            guard let check = checks.first(where: { $0.name == parts[1] }) else { return nil }
            return check.failure.map { .text("internal server error: \($0)\n", status: 500) } ?? .text("ok")
        }
        guard parts.count == 1 else { return nil }
        let excluded = Set(request.query.all("exclude"))
        checks.removeAll { excluded.contains($0.name) }
        let hasFailed = checks.contains { $0.failure != nil }
        guard hasFailed || request.query["verbose"] != nil else { return .text("ok") }
        var text = checks.map { $0.failure == nil ? "[+]\($0.name) ok\n" : "[-]\($0.name) failed: reason withheld\n" }.joined()
        text += "\(parts[0]) check \(hasFailed ? "failed" : "passed")\n"
        return .text(text, status: hasFailed ? 500 : 200)
    }

    /// The server's own metrics in the root cluster. Others see what they have in progress, and nothing of their neighbours.
    private func metricsPage(_ cluster: LogicalCluster) -> APIResponse {
        let isRoot = cluster.name == ClusterAddress.root
        let load = isRoot ? self.limiter.total : self.limiter.load(of: cluster.id)
        var gauges: [RequestMetrics.Gauge] = [
            .init("apiserver_current_inflight_requests", "Requests in progress, without streams.", load.requests),
            .init("apiserver_longrunning_requests", "Watches and other streams in progress.", load.streams),
        ]
        if isRoot {
            let store = self.registry.store
            gauges += [
                .init("sampan_waiting_requests", "Requests that wait for their turn.", self.queue.waiting),
                .init("sampan_seated_requests", "Requests that are worked on.", self.queue.seated),
                .init("sampan_clusters", "Logical clusters.", store.clusters().count),
                .init("sampan_clusters_loaded", "Logical clusters in memory.", store.loadedClusters.count),
                .init("process_resident_memory_bytes", "Resident memory.", ProcessMemory.resident),
                .init("sampan_allocated_memory_bytes", "Memory in use, as the allocator counts.", ProcessMemory.allocated),
            ]
        }
        return RequestMetrics.page((isRoot ? self.metrics.text + self.moreMetrics() : "") + RequestMetrics.text(gauges))
    }

    // MARK: Keys

    private func openIDConfiguration() -> APIResponse {
        let document: JSON = [
            "issuer": .string(ServiceAccountTokens.issuer), "jwks_uri": .string("\(ServiceAccountTokens.issuer)/openid/v1/jwks"),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        ]
        var response = APIResponse.json(document.encoded())
        response.headers[.cacheControl] = "public, max-age=3600"
        return response
    }

    private func webKeys(_ call: Call) throws(StatusError) -> APIResponse {
        let identity = try self.authenticator.identities.identity(of: call.cluster)
        let keys = identity.accountKeys(at: Timestamp.seconds).map { JSONWebToken.webKey(of: $0.key) }
        let document: JSON = ["keys": .array(keys)]
        var response = APIResponse.json(document.encoded())
        response.headers[.contentType] = "application/jwk-set+json"
        response.headers[.cacheControl] = "public, max-age=3600"
        return response
    }
}
