import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

/// Requests for resources: which verb on which resource, and its options.
extension APIServer {
    func handleResource(_ call: Call) async throws(StatusError) -> APIResponse {
        let info = call.info
        if let response = try await self.aggregated(call, group: info.group, version: info.version) { return response }
        guard info.rest.isEmpty || info.subresource == "proxy",
            ![info.namespace, info.name].contains(where: { $0.contains("/") || $0 == "." || $0 == ".." })
        else { throw .unknownPath() }
        guard
            let resource = self.registry.schema(of: call.cluster).resource(
                group: info.group, version: info.version, plural: info.resource)
        else { return try Self.nothing(inGroup: info.group) }
        if !info.subresource.isEmpty, resource.subresource(info.subresource) == nil {
            throw resource.definition == nil ? .unknownPath() : .notFound(resource.groupResource, info.name)
        }
        do throws(StatusError) {
            try Self.checkScope(info, resource, call.request.method)
        } catch {
            guard resource.definition != nil else { throw error }
            return try Self.nothing(inGroup: info.group)
        }

        var response: APIResponse
        do throws(StatusError) {
            response = try await self.perform(call, resource)
        } catch {
            // Custom resources have one handler for all verbs, which tells which one it doesn't have.
            guard error.code == 405, resource.definition != nil else { throw error }
            throw .methodNotSupported(resource.groupResource, info.verb)
        }
        let warning = resource.custom?.deprecationWarning ?? resource.builtinDeprecationWarning ?? ""
        for value in WarningHeader.values([warning]) {
            response.headers.append(HTTPField(name: .warning, value: value))
        }
        return response
    }

    /// What is at a path where nothing is: upstream's own groups say so in a `Status`; others have no handler that could, unless it is for
    /// one of their resources.
    ///
    /// - Throws: 404.
    static func nothing(inGroup group: String) throws(StatusError) -> APIResponse {
        guard group.isEmpty || BuiltinGroups.names.contains(group) else { return .text("404 page not found\n", status: 404) }
        throw .unknownPath()
    }

    private func perform(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let info = call.info
        if !info.subresource.isEmpty { return try await self.handleSubresource(call, resource) }
        if info.name.isEmpty, info.verb == "update" || info.verb == "patch" {
            throw resource.definition == nil ? .methodNotAllowed() : .badRequest("name must be provided")
        }
        switch info.verb {
        case "get": return try await self.get(call, resource)
        case "list": return try await self.list(call, resource)
        case "watch": return try await self.watch(call, resource)
        case "create": return try await self.create(call, resource)
        case "update": return try await self.update(call, resource)
        case "patch": return try await self.patch(call, resource)
        case "delete": return try await self.delete(call, resource)
        case "deletecollection": return try await self.deleteCollection(call, resource)
        default: throw .methodNotAllowed()
        }
    }

    /// Paths that upstream has no route for: objects of a namespace without one, and the other way round.
    private static func checkScope(
        _ info: RequestInfo, _ resource: ResourceType, _ method: HTTPRequest.Method
    ) throws(StatusError) {
        // The path of a namespace names itself as its namespace.
        let hasNamespace = !info.namespace.isEmpty && !(info.resource == "namespaces" && info.group.isEmpty)
        if resource.isNamespaced {
            guard !hasNamespace else { return }
            if !info.name.isEmpty, info.verb != "list", info.verb != "watch" { throw .unknownPath() }
            guard info.verb == "list" || info.verb == "watch" else { throw .methodNotAllowed() }
        } else if hasNamespace {
            throw .unknownPath()
        }
    }

    // MARK: Reading

    private func get(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        try Self.checkVerb("get", resource)
        await self.giveSigns(call, resource)
        if let version = call.request.query["resourceVersion"], !version.isEmpty {
            try self.registry.checkNotTooNew(version, call.context)
        }
        if let source = self.computed[resource.groupResource] {
            let object = try await self.computed(source, call.info.name, resource, call)
            return try self.encode(.object(object), resource, representation, call)
        }
        var object = try self.registry.get(resource, namespace: call.info.namespace, name: call.info.name, call.context)
        if resource.definition != nil { object = try await self.registry.served(object, resource, in: call.cluster) }
        return try self.encode(.object(object), resource, representation, call)
    }

    private func list(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        try Self.checkVerb("list", resource)
        let options = try RequestOptions.list(call.request.query, info: call.info)
        await self.giveSigns(call, resource)
        var result = try await self.registry.servedList(resource, namespace: call.info.namespace, options, call.context)
        if let source = self.computed[resource.groupResource] {
            result.objects = ObjectList(try await self.computed(source, options, call))
        }
        return try self.encode(result, resource, representation, call)
    }

    private func watch(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        guard representation.coding != .yaml else {
            // YAML can't be cut into events.
            throw .notAcceptable([Representation.Coding.json, .protobuf].map { "\($0.mediaType);stream=watch" })
        }
        try Self.checkVerb("watch", resource)
        let options = try RequestOptions.list(call.request.query, info: call.info)
        let timeout = try RequestOptions.integer(call.request.query, "timeoutSeconds")
        await self.giveSigns(call, resource)
        let stream = try self.registry.watch(resource, namespace: call.info.namespace, options, call.context)
        let encoder = WatchEncoder(server: self, call: call, resource: resource, representation: representation)
        let body = WatchBody(
            stream: stream, encoder: encoder, allowsBookmarks: options.allowWatchBookmarks,
            timeout: timeout.flatMap { $0 > 0 ? .seconds(min($0, Int64(Int32.max))) : nil }
                ?? .seconds(Double.random(in: 1800...3600)),
            hold: call.cluster.hold(), permit: call.permit)
        return WebSocketHandshake.isRequested(by: call.request) ? body.webSocketResponse(to: call.request) : body.response
    }

    // MARK: Writing

    private func create(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        // What is only answered, as a review, has no table.
        let representation = try self.representation(call, resource, allowsForms: resource.isStored)
        guard call.info.name.isEmpty else { throw .methodNotAllowed() }
        try Self.checkVerb("create", resource)
        var options = try RequestOptions.create(call.request, kind: "CreateOptions")
        let body = try await self.object(call, resource, &options)
        let result = try await self.registry.create(
            body, resource, namespace: call.info.namespace, options, call.context)
        return try self.encode(result, resource, representation, call)
    }

    private func update(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        try Self.checkVerb("update", resource)
        var options = try RequestOptions.create(call.request, kind: "UpdateOptions")
        let body = try await self.object(call, resource, &options)
        let result = try await self.registry.update(
            body, resource, namespace: call.info.namespace, name: call.info.name, options, call.context)
        return try self.encode(result, resource, representation, call)
    }

    private func patch(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        try Self.checkVerb("patch", resource)
        let (type, options, body) = try await self.patchBody(call, resource)
        let result = try await self.registry.patch(
            type, body, resource, namespace: call.info.namespace, name: call.info.name, options, call.context)
        return try self.encode(result, resource, representation, call)
    }

    private func delete(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: true)
        try Self.checkVerb("delete", resource)
        let options = try RequestOptions.delete(call.request, body: try await self.deleteBody(call, resource))
        let result = try await self.registry.delete(
            resource, namespace: call.info.namespace, name: call.info.name, options, call.context)
        return try self.encode(result, resource, representation, call)
    }

    private func deleteCollection(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let representation = try self.representation(call, resource, allowsForms: false)
        try Self.checkVerb("deletecollection", resource)
        let options = try RequestOptions.delete(call.request, body: try await self.deleteBody(call, resource))
        let list = try RequestOptions.list(call.request.query, info: call.info)
        let result = try await self.registry.deleteCollection(
            resource, namespace: call.info.namespace, list, options, call.context)
        return try self.encode(result, resource, representation, call)
    }

    // MARK: Subresources

    private func handleSubresource(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let info = call.info
        if resource.group.isEmpty, Self.streams.contains(info.subresource) { try await self.awaitPods(call, resource) }
        if resource.plural == "pods", resource.group.isEmpty {
            switch info.subresource {
            case "log": return try await self.podLog(call, resource)
            case "exec", "attach": return try await self.remoteCommand(call, resource)
            case "portforward": return try await self.portForward(call, resource)
            case "proxy": return try await self.proxy(call, resource)
            default: break
            }
        }
        if info.subresource == "proxy", resource.group.isEmpty {
            if resource.plural == "services" { return try await self.proxy(call, resource) }
            if resource.plural == "nodes" { return try await self.nodeProxy(call, resource) }
        }
        guard let subresource = resource.subresource(info.subresource), subresource.verbs.contains(info.verb) else {
            throw .methodNotAllowed()
        }
        let representation = try self.representation(call, resource, allowsForms: info.verb == "get")
        switch info.verb {
        case "get":
            let answer = try await self.registry.get(
                resource, namespace: info.namespace, name: info.name, subresource: info.subresource, call.context)
            return try self.encode(answer, resource, representation, call)
        case "create":
            var options = try RequestOptions.create(call.request, kind: "CreateOptions")
            let body = try await self.object(call, kind: subresource.kind, &options)
            let result = try await self.registry.create(
                body, resource, namespace: info.namespace, name: info.name, subresource: info.subresource, options,
                call.context)
            return try self.encode(result, resource, representation, call)
        case "update":
            var options = try RequestOptions.create(call.request, kind: "UpdateOptions")
            let body = try await self.object(call, kind: subresource.kind, &options)
            let result = try await self.registry.update(
                body, resource, namespace: info.namespace, name: info.name, subresource: info.subresource, options,
                call.context)
            return try self.encode(result, resource, representation, call)
        case "patch":
            let (type, options, body) = try await self.patchBody(call, resource)
            let result = try await self.registry.patch(
                type, body, resource, namespace: info.namespace, name: info.name, subresource: info.subresource, options,
                call.context)
            return try self.encode(result, resource, representation, call)
        default: throw .methodNotAllowed()
        }
    }

    private static let streams: Set<String> = ["log", "exec", "attach", "portforward", "proxy"]

    // MARK: Parts

    private static func checkVerb(_ verb: String, _ resource: ResourceType) throws(StatusError) {
        guard resource.allows(verb) else { throw .methodNotAllowed() }
    }

    func representation(_ call: Call, _ resource: ResourceType, allowsForms: Bool) throws(StatusError) -> Representation {
        var representation = try Representation(
            accept: call.request.headers[values: .accept], allowsForms: allowsForms,
            hasProtobuf: resource.type.map(Protobuf.canEncode) ?? false)
        representation.isPretty = Self.isPretty(call.request, representation)
        return representation
    }

    /// The body as an object of a resource.
    private func object(
        _ call: Call, _ resource: ResourceType, _ options: inout CreateOptions
    ) async throws(StatusError) -> JSON {
        try await self.object(call, kind: resource.gvk, isCustom: resource.definition != nil, &options)
    }

    /// The body as an object of a kind; what is wrong with its form is noted in the options.
    private func object(
        _ call: Call, kind: GroupVersionKind, isCustom: Bool = false, _ options: inout CreateOptions
    ) async throws(StatusError) -> JSON {
        let bytes = try await call.body()
        let decoded = try BodyDecoding.decode(
            bytes, contentType: call.request.headers[.contentType], kind: kind, schema: self.registry.schema(of: call.cluster))
        call.trail?.note(object: decoded.tree)
        if isCustom {
            try BodyDecoding.requireKind(decoded, bytes, contentType: call.request.headers[.contentType], kind.kind)
        }
        // Refused, what is wrong with a body in YAML is one thing; told, it is several.
        let isOne = options.fieldValidation == .strict && !decoded.refusal.isEmpty
        options.complaints = isOne ? BodyComplaints(texts: [decoded.refusal]) : decoded.complaints
        return decoded.tree
    }

    private func patchBody(
        _ call: Call, _ resource: ResourceType
    ) async throws(StatusError) -> (PatchType, PatchOptions, JSON) {
        let sent = MediaType(call.request.headers[.contentType] ?? "").name
        // Lists of custom objects can't be merged by the rules of Go's types.
        let supported = PatchType.allCases.filter { $0 != .strategicMerge || resource.definition == nil }
        guard let type = PatchType(rawValue: sent), supported.contains(type) else {
            throw .unsupportedMediaType(sent, supported.map(\.rawValue))
        }
        let bytes = try await call.body()
        var options = try RequestOptions.patch(call.request, type: type)
        let patch: PatchDecoding.Decoded
        do {
            patch = try PatchDecoding.decode(bytes, type, options.fieldValidation)
        } catch {
            // Upstream looks at a patch only when it has the object that is to be patched; an apply may make it.
            if type != .apply {
                _ = try self.registry.get(resource, namespace: call.info.namespace, name: call.info.name, call.context)
            }
            throw error
        }
        options.complaints = patch.complaints
        call.trail?.note(requestObject: patch.tree)
        return (type, options, patch.tree)
    }

    private func deleteBody(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> JSON? {
        let bytes = try await call.body()
        guard !bytes.isEmpty else { return nil }
        let tree = try BodyDecoding.decode(
            bytes, contentType: call.request.headers[.contentType],
            kind: GroupVersionKind(group: "", version: "v1", kind: "DeleteOptions"), schema: self.registry.schema
        ).tree
        call.trail?.note(requestObject: tree)
        try self.checkDeleteKind(tree, resource)
        return tree
    }

    /// That a deletion's body isn't of a kind that nobody knows; custom resources' handler knows none but its own.
    private func checkDeleteKind(_ tree: JSON, _ resource: ResourceType) throws(StatusError) {
        let (apiVersion, kind) = (tree["apiVersion"]?.string ?? "", tree["kind"]?.string ?? "")
        guard !kind.isEmpty, !apiVersion.isEmpty, kind != "DeleteOptions" else { return }
        let isCustom = resource.definition != nil
        let version = GroupVersion(apiVersion: apiVersion)
        let gvk = GroupVersionKind(group: version.group, version: version.version, kind: kind)
        if !isCustom, self.registry.schema.type(forKind: gvk) != nil { return }
        let scheme =
            isCustom
            ? "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"
            : "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
        throw .badRequest(
            "no kind \(JSON.string(kind).text) is registered for version \(JSON.string(apiVersion).text) in scheme \(JSON.string(scheme).text)"
        )
    }
}
