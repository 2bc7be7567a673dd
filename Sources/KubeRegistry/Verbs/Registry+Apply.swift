import KubeObject
import KubeSchema
import KubeStore

extension Registry {
    /// Server-side apply: creates the object or merges what the manager wants into it.
    func apply(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String, _ options: PatchOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let wanted = try Self.checkApplied(body, resource, namespace: namespace, name: name)
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
            let created = try ServerSideApply.apply(wanted, to: nil, write, force: options.force)
            do {
                return try await createApplied(created.object, resource, namespace: namespace, options.update, context)
            } catch  where error.reason == "AlreadyExists" {
                // Somebody else was quicker: then it's merged.
            }
        }
        return try await change(
            resource, namespace: namespace, name: name, subresource: subresource, options.update, context, isApply: true
        ) { tree, current throws(StatusError) in
            if let version = wanted[path: "metadata", "resourceVersion"]?.string, !version.isEmpty,
                version != String(current.metadata.resourceVersion)
            {
                throw .modified(resource.groupResource, name)
            }
            let live = Conversion.fromStored(tree, resource)
            let applied = try ServerSideApply.apply(wanted, to: live, write, force: options.force)
            guard applied.isChanged else { return }
            var ignored: [String] = []
            let object = try Decoding.decode(
                applied.object, as: resource.gvk, type: resource.type, validation: .ignore, warnings: &ignored)
            tree = Conversion.toStored(object, resource)
        }
    }

    /// The applied object with the name and namespace that the address says.
    ///
    /// - Throws: 400 when it says others, or isn't of this resource's version.
    static func checkApplied(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String
    ) throws(StatusError) -> JSON {
        guard body.object != nil || body.isNull else {
            throw .badRequest(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(body.typeName) into "
                    + "Go value of type map[string]interface {}")
        }
        var wanted = body.isNull ? [:] : body
        guard body.text("apiVersion") == resource.apiVersion, body.text("kind") == resource.kind else {
            let version = GroupVersion(apiVersion: body.text("apiVersion"))
            throw .badRequest("invalid object type: \(version.group)/\(version.version), Kind=\(body.text("kind"))")
        }
        let books = body[path: "metadata", "managedFields"]
        if let books, !books.isNull { throw .badRequest("metadata.managedFields must be nil") }
        let given = wanted["metadata"]?.text("name") ?? ""
        if given.isEmpty {
            wanted[path: "metadata", "name"] = .string(name)
        } else if given != name {
            throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        try matchNamespace(&wanted, resource, namespace)
        return wanted
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
