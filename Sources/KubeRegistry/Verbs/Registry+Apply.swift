import KubeObject
import KubeSchema
import KubeStore

extension Registry {
    /// Server-side apply: creates the object or merges what the manager wants into it.
    func apply(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String, _ options: PatchOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let wanted = try Self.checkApplied(body, resource)
        let write = FieldOwnership.write(
            ManagedFields.Manager(
                name: options.fieldManager, isApply: true, apiVersion: resource.apiVersion, subresource: subresource), resource)

        if context.cluster.snapshot.get(resource.key(namespace: namespace, name: name)) == nil {
            guard subresource.isEmpty else { throw .notFound(resource.groupResource, name) }
            if let uid = wanted[path: "metadata", "uid"]?.string, !uid.isEmpty {
                throw .conflict(
                    resource.groupResource, name,
                    "uid mismatch: the provided object specified uid \(uid), and no existing object was found")
            }
            var created = try ServerSideApply.apply(wanted, to: nil, write, force: options.force)
            try Self.checkName(&created.object, resource, namespace: namespace, name: name)
            let told = try Self.complaints(options)
            do {
                var result = try await createApplied(created.object, resource, namespace: namespace, options.update, context)
                result.warnings = told + result.warnings
                return result
            } catch  where error.reason == "AlreadyExists" {
                // Somebody else was quicker: then it's merged.
            }
        }
        var told: [String] = []
        var result = try await change(
            resource, namespace: namespace, name: name, subresource: subresource, options.update, context, isApply: true
        ) { tree, current throws(StatusError) in
            let live = Conversion.fromStored(tree, resource)
            var applied = try ServerSideApply.apply(wanted, to: live, write, force: options.force)
            try Self.checkName(&applied.object, resource, namespace: namespace, name: name)
            // What is wrong with the form is looked at when the rest is right, as upstream does.
            told = try Self.complaints(options)
            if wanted["metadata"]?.has("resourceVersion") ?? false { try Self.checkPreconditions(wanted, current, resource) }
            guard applied.isChanged else { return }
            var ignored: [String] = []
            let object = try Decoding.decode(
                applied.object, as: resource.gvk, type: resource.type, validation: .ignore, warnings: &ignored)
            tree = Conversion.toStored(object, resource)
        }
        result.warnings = told + result.warnings
        return result
    }

    /// What to tell of an applied object's form.
    ///
    /// - Throws: 400 when it is to be refused for it.
    private static func complaints(_ options: PatchOptions) throws(StatusError) -> [String] {
        switch options.fieldValidation {
        case .ignore: return []
        case .warn: return options.complaints
        case .strict:
            if let complaint = options.complaints.first { throw .badRequest(complaint) }
            return []
        }
    }

    /// The applied object, of whose names nothing is known yet.
    ///
    /// - Throws: 400 when it isn't of this resource's version.
    static func checkApplied(_ body: JSON, _ resource: ResourceType) throws(StatusError) -> JSON {
        guard body.object != nil || body.isNull else {
            throw .badRequest(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(body.typeName) into "
                    + "Go value of type map[string]interface {}")
        }
        guard body.text("apiVersion") == resource.apiVersion, body.text("kind") == resource.kind else {
            let version = GroupVersion(apiVersion: body.text("apiVersion"))
            throw .badRequest("invalid object type: \(version.group)/\(version.version), Kind=\(body.text("kind"))")
        }
        let books = body[path: "metadata", "managedFields"]
        if let books, !books.isNull { throw .badRequest("metadata.managedFields must be nil") }
        return body.isNull ? [:] : body
    }

    /// Checks the name and namespace of what an apply makes, which is looked at when the rest makes sense, as upstream does.
    ///
    /// - Throws: 400 when they aren't those of the address.
    static func checkName(
        _ object: inout JSON, _ resource: ResourceType, namespace: String, name: String
    ) throws(StatusError) {
        let given = object["metadata"]?.text("name") ?? ""
        if given.isEmpty {
            throw .badRequest("the name of the object (\(name) based on URL) was undeterminable: name must be provided")
        }
        if given != name {
            throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        try matchNamespace(&object, resource, namespace)
    }

    /// Creates with the books that the apply made, if the user may create.
    private func createApplied(
        _ object: JSON, _ resource: ResourceType, namespace: String, _ options: UpdateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        if !context.isInternal {
            try authorizer.require(
                AccessAttributes(
                    user: context.user, verb: "create", apiGroup: resource.group, apiVersion: resource.version,
                    resource: resource.plural, namespace: resource.isNamespaced ? namespace : "",
                    name: object["metadata"]?.text("name") ?? ""),
                in: context.cluster)
        }
        return try await create(object, resource, namespace: namespace, options, context, keepingBooks: true)
    }
}
