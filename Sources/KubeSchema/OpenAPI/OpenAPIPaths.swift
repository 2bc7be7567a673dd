import KubeObject

/// The paths of one group version, with every verb.
struct OpenAPIPaths {
    let schema: Schema
    let groupVersion: GroupVersion
    var schemas: OpenAPISchemas
    private(set) var paths: [(String, JSON)] = []
    private let parameters: OpenAPIParameters
    private let root: String

    init(_ schema: Schema, _ groupVersion: GroupVersion, _ schemas: OpenAPISchemas) {
        self.schema = schema
        self.groupVersion = groupVersion
        self.schemas = schemas
        parameters = OpenAPIParameters(dialect: schemas.dialect)
        root = groupVersion.group.isEmpty ? "/api/\(groupVersion.version)" : "/apis/\(groupVersion)"
    }

    private var dialect: OpenAPIDialect { schemas.dialect }

    mutating func add(_ version: Schema.Group.Version) {
        schemas.add(
            "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
            ["description": "Concrete content of a patch: its form depends on its media type.", "type": "object"])
        for resource in version.resources { add(resource) }
    }

    private mutating func add(_ resource: ResourceType) {
        let place = resource.isNamespaced ? "\(root)/namespaces/{namespace}/\(resource.plural)" : "\(root)/\(resource.plural)"
        let scope = resource.isNamespaced ? [parameters.namespace, parameters.pretty] : [parameters.pretty]
        let noun = (resource.isNamespaced ? "Namespaced" : "") + resource.kind
        let collection = operations(
            resource.gvk, noun, resource.verbs.filter { ["list", "create", "deletecollection"].contains($0) },
            type: resource.type,
            listType: resource.listType ?? schema.type(forKind: resource.groupVersion.kind(resource.listKind)))
        addPath(place, scope, collection)
        let name = parameters.path("name", "The name of the \(resource.kind).")
        addPath(
            "\(place)/{name}", [name] + scope,
            operations(
                resource.gvk, noun, resource.verbs.filter { ["get", "update", "patch", "delete"].contains($0) },
                type: resource.type))
        if resource.isNamespaced, resource.allows("list") {
            let all = operations(
                resource.gvk, "\(resource.kind)ForAllNamespaces", ["list"], type: resource.type,
                listType: resource.listType ?? schema.type(forKind: resource.groupVersion.kind(resource.listKind)))
            addPath("\(root)/\(resource.plural)", [parameters.pretty], all)
        }
        for subresource in resource.subresources {
            let suffix = subresource.name.prefix(1).uppercased() + subresource.name.dropFirst()
            let made: [(String, JSON)] =
                if subresource.kind.kind.hasSuffix("Options") {
                    subresource.verbs.map { connection($0, subresource, noun + suffix) }
                } else if subresource.name == "log" {
                    [log(noun + suffix)]
                } else {
                    operations(subresource.kind, noun + suffix, subresource.verbs, type: subresource.type)
                }
            addPath("\(place)/{name}/\(subresource.name)", [name] + scope, made)
        }
    }

    private mutating func addPath(_ path: String, _ parameters: [JSON], _ operations: [(String, JSON)]) {
        guard !operations.isEmpty else { return }
        var item = JSON.object(JSONObject(operations))
        item["parameters"] = .array(parameters)
        paths.append((path, item))
    }

    // MARK: Operations

    private mutating func operations(
        _ kind: GroupVersionKind, _ noun: String, _ verbs: [String], type: TypeSchema?, listType: TypeSchema? = nil
    ) -> [(String, JSON)] {
        let object = schemas.reference(to: type)
        let status = schemas.reference(to: schema.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.Status"))
        return verbs.map { verb in
            switch verb {
            case "list":
                let list = schemas.reference(to: listType)
                return operation("get", "list", "list", noun, kind, parameters.list, nil, [("200", "OK", list)])
            case "create":
                let answers = [("200", "OK", object), ("201", "Created", object), ("202", "Accepted", object)]
                return operation("post", "post", "create", noun, kind, parameters.write, object, answers)
            case "deletecollection":
                let body = deleteOptions()
                return operation(
                    "delete", "deletecollection", "deleteCollection", noun, kind, parameters.delete + parameters.list, body,
                    [("200", "OK", status)])
            case "update":
                return operation(
                    "put", "put", "replace", noun, kind, parameters.write, object,
                    [("200", "OK", object), ("201", "Created", object)])
            case "patch":
                return operation(
                    "patch", "patch", "patch", noun, kind, parameters.patch,
                    dialect.reference("io.k8s.apimachinery.pkg.apis.meta.v1.Patch"),
                    [("200", "OK", object), ("201", "Created", object)])
            case "delete":
                let body = deleteOptions()
                return operation(
                    "delete", "delete", "delete", noun, kind, parameters.delete, body,
                    [("200", "OK", status), ("202", "Accepted", status)])
            default: return operation("get", "get", "read", noun, kind, [], nil, [("200", "OK", object)])
            }
        }
    }

    private mutating func deleteOptions() -> JSON {
        schemas.reference(to: schema.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"))
    }

    private func connection(_ verb: String, _ subresource: ResourceType.Subresource, _ noun: String) -> (String, JSON) {
        let methods = ["create": "post", "get": "get", "update": "put", "patch": "patch", "delete": "delete"]
        let method = methods[verb] ?? "get"
        return operation(
            method, "connect", "connect", method.prefix(1).uppercased() + method.dropFirst() + noun, subresource.kind,
            parameters.options(subresource.type), nil, [("200", "OK", ["type": "string"])])
    }

    private func log(_ noun: String) -> (String, JSON) {
        let kind = groupVersion.kind("Pod")
        let options = schema.type(forKind: groupVersion.kind("PodLogOptions"))
        return operation(
            "get", "get", "read", noun, kind, parameters.options(options), nil, [("200", "OK", ["type": "string"])])
    }

    private func operation(
        _ method: String, _ action: String, _ verb: String, _ noun: String, _ kind: GroupVersionKind, _ query: [JSON],
        _ body: JSON?,
        _ answers: [(code: String, text: String, schema: JSON)]
    ) -> (String, JSON) {
        let group = OpenAPIPaths.groupName(groupVersion.group)
        let version = groupVersion.version.prefix(1).uppercased() + groupVersion.version.dropFirst()
        var operation: JSON = [
            "operationId": .string("\(verb)\(group.prefix(1).uppercased())\(group.dropFirst())\(version)\(noun)"),
            "tags": [.string("\(group)_\(groupVersion.version)")], "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": [
                "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
            ],
        ]
        let media = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
        let sent = action == "patch" ? OpenAPIPaths.patchMedia : ["*/*"]
        var responses: JSON = ["401": ["description": "Unauthorized"]]
        var query = query
        if dialect == .v3 {
            for (code, text, schema) in answers {
                responses[code] = ["description": .string(text), "content": content(media, schema)]
            }
            if let body { operation["requestBody"] = ["content": content(sent, body), "required": .bool(method != "delete")] }
        } else {
            for (code, text, schema) in answers { responses[code] = ["description": .string(text), "schema": schema] }
            if let body { query.append(["name": "body", "in": "body", "required": .bool(method != "delete"), "schema": body]) }
            operation["consumes"] = JSON(sent)
            operation["produces"] = JSON(media)
            operation["schemes"] = ["https"]
        }
        operation["responses"] = responses
        if !query.isEmpty { operation["parameters"] = .array(query) }
        return (method, operation)
    }

    private func content(_ media: [String], _ schema: JSON) -> JSON {
        .object(JSONObject(media.map { ($0, ["schema": schema]) }))
    }

    private static let patchMedia = [
        "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ]

    /// `rbacAuthorization` for `rbac.authorization.k8s.io`.
    static func groupName(_ group: String) -> String {
        if group.isEmpty { return "core" }
        let base = group.hasSuffix(".k8s.io") ? String(group.dropLast(7)) : group
        let words = base.split { $0 == "." || $0 == "-" }.map(String.init)
        return (words.first ?? "") + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
