import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

extension APIServer {
    /// How clients name the protobuf form. The second is no valid media type, so the answer has the first.
    private static let openAPIV2Protobuf = [
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ]

    /// `/openapi/v3` and the documents that it names, in JSON; `/openapi/v2` in JSON or protobuf.
    func openAPI(_ parts: [String], _ call: Call) async throws(StatusError) -> APIResponse {
        if let merged = try await self.mergedOpenAPI(parts, call) { return merged }
        let schema = self.registry.schema(of: call.cluster)
        let request = call.request
        let document: Document?
        switch (parts.first, parts.count) {
        case ("v2", 1):
            let accepted = MediaType.accepted(request.headers[values: .accept])
            if accepted.contains(where: { Self.openAPIV2Protobuf.contains($0.name) }) {
                let merged = await self.mergedOpenAPIV2(call, isProtobuf: true)
                return self.respond(
                    with: merged ?? schema.openAPIV2Protobuf, to: request, contentType: Self.openAPIV2Protobuf[0])
            }
            guard accepted.isEmpty || accepted.contains(where: { ["application/json", "*/*"].contains($0.name) }) else {
                throw .notAcceptable(["application/json"] + Self.openAPIV2Protobuf)
            }
            document = await self.mergedOpenAPIV2(call, isProtobuf: false) ?? schema.openAPIV2
        case ("v3", 1): document = schema.openAPIIndex
        case ("v3", 3) where parts[1] == "api": document = schema.openAPI(GroupVersion(group: "", version: parts[2]))
        case ("v3", 4) where parts[1] == "apis": document = schema.openAPI(GroupVersion(group: parts[2], version: parts[3]))
        default: document = nil
        }
        guard let document else { return self.noPath(call) }
        var response = self.respond(with: document, to: request)
        // Addressed by its content's hash, it never changes.
        if request.query["hash"] == document.etag { response.headers[.cacheControl] = "public, max-age=31536000, immutable" }
        return response
    }
}
