public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Creates an object: defaults, admission, validation, then one durable commit.
    ///
    /// Kinds that are only asked, never stored (access and token reviews), are answered.
    /// - Throws: 400, 403, 404 (the namespace), 405, 409 or 422, in upstream's words.
    public func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, _ options: CreateOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await create(tree, resource, namespace: namespace, options, context, keepingBooks: false)
    }

    /// As `create`; `keepingBooks` stores the managedFields that the object has (an apply made them).
    func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, _ options: CreateOptions, _ context: RequestContext,
        keepingBooks: Bool
    ) async throws(StatusError) -> WriteResult {
        guard resource.allows("create") else { throw .methodNotSupported(resource.groupResource, "create") }
        if resource.definition?.isTerminating ?? false {
            throw .forbidden(
                resource.groupResource, tree["metadata"]?.text("name") ?? "",
                "create not allowed while custom resource definition is terminating")
        }
        var warnings: [String] = []
        var object = try Decoding.decode(
            tree, as: resource.gvk, type: resource.type, validation: options.fieldValidation, warnings: &warnings,
            complaints: options.complaints)
        if !resource.isStored {
            object = try await admitted(
                object, resource, namespace: namespace, name: object["metadata"]?.text("name") ?? "", subresource: "", options,
                context)
            return try await createUnstored(object, resource, namespace: namespace, options, context.admitted)
        }
        try Self.matchNamespace(&object, resource, namespace)
        if object["metadata"]?["resourceVersion"]?.isEmpty == false, object["metadata"]?.text("resourceVersion") != "0" {
            throw StatusError(code: 500, reason: "", message: "resourceVersion should not be set on objects to be created")
        }
        object = Conversion.toStored(object, resource)

        // A generated name can be taken; upstream tries eight times. A quota can be charged by others, any number of times.
        var names = 0
        for attempt in 0..<100 {
            do {
                var result = try await create(
                    prepared: object, resource, namespace: namespace, options, context, keepingBooks: keepingBooks)
                result.warnings = warnings + result.warnings
                return result
            } catch {
                if error == Self.quotaChanged, attempt < 99 { continue }
                let isGenerated = object["metadata"]?.text("name").isEmpty ?? true
                guard isGenerated, error.reason == "AlreadyExists", names < 7 else { throw error.warning(warnings) }
                names += 1
            }
        }
        throw .internalError("unreachable")
    }

    /// Somebody else's create was charged to the same quota first.
    private static let quotaChanged = StatusError.conflict(
        GroupResource(group: "", resource: "resourcequotas"), "",
        "the quota was charged by too many others at once; please try again")

    /// Sets the namespace that the address says.
    ///
    /// - Throws: 400 when the object says another.
    static func matchNamespace(_ object: inout JSON, _ resource: ResourceType, _ namespace: String) throws(StatusError) {
        object.setDefault("metadata", [:])
        let given = object["metadata"]?.text("namespace") ?? ""
        let wanted = resource.isNamespaced ? namespace : ""
        if given.isEmpty {
            if !wanted.isEmpty { object[path: "metadata", "namespace"] = .string(wanted) }
        } else if given != wanted {
            throw .badRequest(
                wanted.isEmpty
                    ? "namespace: Invalid value: \(quoted(given)): the namespace of the provided object does not match the namespace sent on the request"
                    : "the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    private func create(
        prepared tree: JSON, _ given: ResourceType, namespace: String, _ options: CreateOptions, _ context: RequestContext,
        keepingBooks: Bool
    ) async throws(StatusError) -> WriteResult {
        let snapshot = context.cluster.snapshot
        let resource = try current(given, at: snapshot, context.cluster)
        let rules = rules(of: resource)
        let kind = GroupKind(group: resource.storedAs.group, kind: resource.kind)
        var object = tree
        rules.setDefaults(&object)
        let repeated = OwnerReferences.removeRepeated(from: &object).map { [$0] } ?? []
        if !keepingBooks { FieldOwnership.note(&object, old: nil, resource, subresource: "", options, context) }
        var request = AdmissionRequest(
            operation: .create, resource: resource, subresource: "", namespace: resource.isNamespaced ? namespace : "",
            name: object["metadata"]?.text("name") ?? "", object: object, old: nil, isDryRun: options.dryRun, context: context,
            snapshot: snapshot, registry: self, options: .write(options))
        try await admit(&request)
        object = request.object

        Self.fillMetadata(&object, rules)
        // Warnings are about what was sent.
        let sent = object
        rules.prepareForCreate(&object)
        if rules.countsGeneration { object[path: "metadata", "generation"] = 1 }
        var errors = FieldErrors()
        ObjectMetaValidation.validate(object, isNamespaced: resource.isNamespaced, nameRule: rules.nameRule, &errors)
        rules.validateCreate(object, &errors)
        let name = object["metadata"]?.text("name") ?? ""
        if !errors.isEmpty { throw .invalid(kind, name, errors.list) }
        try RoleEscalation.check(object, old: nil, resource, context, authorizer)
        try ParameterAccess.check(object, old: nil, resource, context, self)
        request.object = object
        request.name = name
        try await validate(&request)
        defer { withExtendedLifetime(request.held) {} }
        let warnings = repeated + rules.warnings(sent, old: nil) + errors.warnings

        let key = resource.key(namespace: namespace, name: name)
        if options.dryRun {
            if snapshot.get(key) != nil { throw .alreadyExists(resource.groupResource, name) }
            return WriteResult(.document(Conversion.fromStored(object, resource)), code: 201, warnings: warnings)
        }
        object = try await stored(object, resource, in: context.cluster)
        var allocation = ServiceAllocation(resource, old: nil, ports: nodePorts, isDualStack: isDualStack)
        while true {
            let current = context.cluster.snapshot
            var allocated = object
            let claims = try allocation.claim(for: &allocated, in: current)
            let draft = try Self.draft(allocated, resource)
            try checkRoom(for: draft.byteCount, isNew: true, resource, name, context)
            var writes = [Write.put(draft, at: key, expect: .absent)] + claims + request.accompanying
            writes += definitionChecks(resource, at: snapshot)
            if resource.isNamespaced {
                // The namespace can't go between the look at it and the commit.
                writes.append(.check(Key(group: "", plural: "namespaces", name: namespace), expect: .present))
            }
            do {
                guard let stored = try await context.cluster.commit(writes)[0] else {
                    throw StatusError.internalError("the store gave no object back for \(key)")
                }
                return WriteResult(
                    .object(try await served(stored, resource, in: context.cluster)), code: 201, warnings: warnings)
            } catch let error as StoreError {
                switch error {
                case .alreadyExists(let taken) where taken != key: try allocation.isTaken(taken, kind, name)
                case .conflict(let changed, _) where changed != key: throw Self.quotaChanged
                case .notFound(let changed) where changed != key && changed.plural == "resourcequotas": throw Self.quotaChanged
                case .notFound(let missing) where missing.plural == "namespaces" && missing != key:
                    throw .notFound(GroupResource(group: "", resource: "namespaces"), namespace)
                default: throw StatusError(error, resource.groupResource, name)
                }
            } catch let error as StatusError {
                throw error
            } catch {
                throw .internalError("creating \(key): \(error)")
            }
        }
    }

    /// The metadata that the server gives.
    private static func fillMetadata(_ object: inout JSON, _ rules: any KindRules) {
        object.edit("metadata") { metadata in
            for key in [
                "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion",
            ] {
                metadata[key] = nil
            }
            metadata["uid"] = .string(Identifiers.uid())
            metadata["creationTimestamp"] = .string(Timestamp.now())
            let prefix = metadata.text("generateName")
            if metadata.text("name").isEmpty, !prefix.isEmpty { metadata["name"] = .string(Identifiers.name(prefix: prefix)) }
        }
    }

    static func draft(_ tree: JSON, _ resource: ResourceType) throws(StatusError) -> Draft {
        do {
            return try Draft(tree)
        } catch {
            throw .badRequest(
                "\(resource.kind) in version \(quoted(resource.version)) cannot be handled as a \(resource.kind): \(error)")
        }
    }
}
