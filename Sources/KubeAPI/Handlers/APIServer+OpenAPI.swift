import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

extension APIServer {
    /// `/openapi/v3`, the documents that it names, and `/openapi/v2`; in JSON only, so far.
    func openAPI(_ parts: [String], _ call: Call) throws(StatusError) -> APIResponse {
        let schema = self.registry.schema(of: call.cluster)
        let request = call.request
        let document: Document?
        switch (parts.first, parts.count) {
        case ("v2", 1):
            let accepted = MediaType.accepted(request.headers[values: .accept])
            guard accepted.isEmpty || accepted.contains(where: { ["application/json", "*/*"].contains($0.name) }) else {
                throw .notAcceptable(["application/json"])
            }
            document = schema.openAPIV2
        case ("v3", 1): document = schema.openAPIIndex
        case ("v3", 3) where parts[1] == "api": document = schema.openAPI(GroupVersion(group: "", version: parts[2]))
        case ("v3", 4) where parts[1] == "apis": document = schema.openAPI(GroupVersion(group: parts[2], version: parts[3]))
        default: document = nil
        }
        guard let document else { throw .unknownPath() }
        var response = self.respond(with: document, to: request)
        // Addressed by its content's hash, it never changes.
        if request.query["hash"] == document.etag { response.headers[.cacheControl] = "public, max-age=31536000, immutable" }
        return response
    }
}
