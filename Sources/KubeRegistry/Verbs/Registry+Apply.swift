import KubeObject
import KubeSchema
import KubeStore

extension Registry {
    /// Server-side apply: creates the object or merges what the manager wants into it.
    func apply(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String, _ options: PatchOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        var warnings: [String] = []
        // The shape is checked, but what is applied stays what was said: defaults would become the manager's.
        _ = try Decoding.decode(
            body, as: resource.gvk, type: resource.type, validation: options.fieldValidation, warnings: &warnings)
        var wanted = body
        if wanted[path: "metadata", "managedFields"] != nil { throw .badRequest("metadata.managedFields must be nil") }
        let given = wanted["metadata"]?.text("name") ?? ""
        if given.isEmpty {
            wanted[path: "metadata", "name"] = .string(name)
        } else if given != name {
            throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        try Self.matchNamespace(&wanted, resource, namespace)
        let manager = ManagedFields.Manager(
            name: options.fieldManager, isApply: true, apiVersion: resource.apiVersion, subresource: subresource)
        let hasStatus = resource.subresource("status") != nil

        if context.cluster.snapshot.get(resource.key(namespace: namespace, name: name)) == nil {
            guard subresource.isEmpty else { throw .notFound(resource.groupResource, name) }
            if let uid = wanted[path: "metadata", "uid"]?.string, !uid.isEmpty {
                throw .conflict(
                    resource.groupResource, name,
                    "uid mismatch: the provided object specified uid \(uid), and no existing object was found")
            }
            let created = try ServerSideApply.apply(
                wanted, to: nil, type: resource.type, manager: manager, hasStatus: hasStatus, force: options.force,
                time: Timestamp.now())
            do {
                var result = try await createApplied(created.object, resource, namespace: namespace, options.update, context)
                result.warnings = warnings + result.warnings
                return result
            } catch  where error.reason == "AlreadyExists" {
                // Somebody else was quicker: then it's merged.
            }
        }
        let wish = wanted
        var result = try await change(
            resource, namespace: namespace, name: name, subresource: subresource, options.update, context, isApply: true
        ) { tree, current throws(StatusError) in
            if let version = wish[path: "metadata", "resourceVersion"]?.string, !version.isEmpty,
                version != String(current.metadata.resourceVersion)
            {
                throw .modified(resource.groupResource, name)
            }
            let live = Conversion.fromStored(tree, resource)
            let applied = try ServerSideApply.apply(
                wish, to: live, type: resource.type, manager: manager, hasStatus: hasStatus, force: options.force,
                time: Timestamp.now())
            guard applied.isChanged else { return }
            var ignored: [String] = []
            let object = try Decoding.decode(
                applied.object, as: resource.gvk, type: resource.type, validation: .ignore, warnings: &ignored)
            tree = Conversion.toStored(object, resource)
        }
        result.warnings = warnings + result.warnings
        return result
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
