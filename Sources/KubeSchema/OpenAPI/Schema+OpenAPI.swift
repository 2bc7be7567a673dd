public import KubeObject

/// The OpenAPI documents: version 3 one group version at a time, version 2 all in one. Made on first use.
/// Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
extension Schema {
    /// `/openapi/v3`: where each group version's document is. A document's address changes with its content, so that
    /// clients may keep it for ever.
    public var openAPIIndex: Document {
        documents.document("openapi/v3") {
            var paths: [(String, JSON)] = []
            for version in groups.flatMap(\.versions) {
                let path = Schema.openAPIPath(version.groupVersion)
                guard let document = openAPI(version.groupVersion) else { continue }
                paths.append((path, ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(document.etag)")]))
            }
            return Document(["paths": .object(JSONObject(paths))])
        }
    }

    /// Below `/openapi/v3/`: `api/v1` or `apis/apps/v1`.
    public static func openAPIPath(_ groupVersion: GroupVersion) -> String {
        groupVersion.group.isEmpty ? "api/\(groupVersion.version)" : "apis/\(groupVersion)"
    }

    /// `/openapi/v3/api/v1` and `/openapi/v3/apis/GROUP/VERSION`; nil when it isn't served.
    public func openAPI(_ groupVersion: GroupVersion) -> Document? {
        guard let version = version(groupVersion) else { return nil }
        let owner = owner(of: version)
        if owner !== self { return owner.openAPI(groupVersion) }
        return documents.document("openapi/v3/\(groupVersion)") {
            var paths = OpenAPIPaths(self, groupVersion, OpenAPISchemas(self, dialect: .v3))
            paths.add(version)
            paths.schemas.finish()
            return Document([
                "openapi": "3.0.0", "info": Schema.openAPIInfo, "paths": .object(JSONObject(paths.paths)),
                "components": [
                    "schemas": .object(JSONObject(paths.schemas.schemas.map { ($0.key, $0.value) })),
                    "securitySchemes": ["BearerToken": Schema.bearerToken],
                ],
                "security": [["BearerToken": []]],
            ])
        }
    }

    /// `/openapi/v2`, as JSON.
    public var openAPIV2: Document {
        documents.document("openapi/v2") {
            var schemas = OpenAPISchemas(self, dialect: .v2)
            var paths: [(String, JSON)] = []
            for version in groups.flatMap(\.versions) {
                var made = OpenAPIPaths(self, version.groupVersion, schemas)
                made.add(version)
                schemas = made.schemas
                paths += made.paths
            }
            schemas.finish()
            return Document([
                "swagger": "2.0", "info": Schema.openAPIInfo, "paths": .object(JSONObject(paths)),
                "definitions": .object(JSONObject(schemas.schemas.map { ($0.key, $0.value) })),
                "securityDefinitions": ["BearerToken": Schema.bearerToken], "security": [["BearerToken": []]],
            ])
        }
    }

    /// `/openapi/v2`, as protobuf.
    public var openAPIV2Protobuf: Document {
        documents.document("openapi/v2.pb") {
            // Our own document, which we have just encoded.
            guard let document = try? Schema.openAPIV2Protobuf(of: openAPIV2) else { return Document(bytes: []) }
            return document
        }
    }

    /// A document of version 2 as protobuf.
    public static func openAPIV2Protobuf(of document: Document) throws -> Document {
        Document(bytes: OpenAPIV2Protobuf.encode(try JSON(parsing: document.bytes)))
    }

    private static var openAPIInfo: JSON { ["title": "Kubernetes", "version": .string(KubernetesVersion.text)] }
    private static var bearerToken: JSON {
        ["description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"]
    }
}
