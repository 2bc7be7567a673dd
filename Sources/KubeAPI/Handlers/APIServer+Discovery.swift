import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// `/api`, `/apis` and `/openapi`.
extension APIServer {
    func discovery(_ parts: [String], _ call: Call) async throws(StatusError) -> APIResponse {
        if let merged = try await self.mergedDiscovery(parts, call) { return merged }
        let schema = self.registry.schema(of: call.cluster)
        let request = call.request
        switch (parts.first, parts.count) {
        case ("api", 1), ("apis", 1):
            let isCore = parts[0] == "api"
            if let version = Self.aggregatedVersion(request) {
                let document = schema.aggregatedDiscovery(core: isCore, version: version)
                return self.respond(
                    with: document, to: request,
                    contentType: "application/json;g=apidiscovery.k8s.io;v=\(version.rawValue);as=APIGroupDiscoveryList")
            }
            if isCore {
                return self.respond(
                    with: Document(schema.coreVersions(serverAddress: self.configuration.advertisedAddress)), to: request)
            }
            return self.respond(with: schema.groupList, to: request)
        case ("api", 2):
            guard let document = schema.resourceList(GroupVersion(group: "", version: parts[1])) else { break }
            return self.respond(with: document, to: request)
        case ("apis", 2):
            guard let document = schema.groupDocument(parts[1]) else { break }
            return self.respond(with: document, to: request)
        case ("apis", 3):
            guard let document = schema.resourceList(GroupVersion(group: parts[1], version: parts[2])) else { break }
            return self.respond(with: document, to: request)
        case ("openapi", let count) where count >= 2:
            return try await self.openAPI(Array(parts.dropFirst()), call)
        default: break
        }
        return try Self.nothing(inGroup: parts.first == "apis" && parts.count > 1 ? parts[1] : "")
    }

    static func aggregatedVersion(_ request: APIRequest) -> Schema.AggregatedVersion? {
        for type in MediaType.accepted(request.headers[values: .accept]) {
            guard type.name == "application/json" else { continue }
            guard type.parameters["g"] == "apidiscovery.k8s.io", type.parameters["as"] == "APIGroupDiscoveryList" else {
                return nil
            }
            if let version = type.parameters["v"].flatMap(Schema.AggregatedVersion.init) { return version }
        }
        return nil
    }

    /// Sends a document that rarely changes: 304 when the client has it already.
    func respond(with document: Document, to request: APIRequest, contentType: String = "application/json") -> APIResponse {
        var headers: HTTPFields = [.contentType: contentType, .eTag: "\"\(document.etag)\"", .vary: "Accept"]
        headers[.cacheControl] = "no-cache, private"
        if let known = request.headers[.ifNoneMatch], known.contains("\"\(document.etag)\"") {
            headers[.contentType] = nil
            return APIResponse(status: 304, headers: headers, body: .bytes([]))
        }
        return APIResponse(status: 200, headers: headers, body: .bytes(document.bytes))
    }
}
