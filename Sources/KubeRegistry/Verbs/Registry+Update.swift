public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Replaces an object, or one of its parts (`status`, `scale`, ...).
    ///
    /// With a resourceVersion in `tree` the object must still have it; without one (where the kind allows it) the last writer wins.
    /// - Throws: 400, 403, 404, 405, 409 or 422, in upstream's words.
    public func update(
        _ tree: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String = "",
        _ options: UpdateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard resource.isStored, resource.allows("update") || !subresource.isEmpty else {
            throw .methodNotSupported(resource.groupResource, "update")
        }
        if subresource == "scale" {
            return try await updateScale(tree, resource, namespace: namespace, name: name, options, context)
        }
        var warnings: [String] = []
        var object = try Decoding.decode(
            tree, as: resource.gvk, type: resource.type, validation: options.fieldValidation, warnings: &warnings,
            complaints: options.complaints)
        try Self.matchNamespace(&object, resource, namespace)
        let given = object["metadata"]?.text("name") ?? ""
        if given.isEmpty {
            throw .badRequest("the name of the object (\(name) based on URL) was undeterminable: name must be provided")
        } else if given != name {
            throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        let fixed = Conversion.toStored(object, resource)
        let key = resource.key(namespace: namespace, name: name)
        if subresource.isEmpty, resource.rules.allowsCreateOnUpdate, context.cluster.snapshot.get(key) == nil {
            return try await createOnUpdate(object, resource, namespace: namespace, options, context)
        }
        do {
            var result = try await change(
                resource, namespace: namespace, name: name, subresource: subresource, options, context
            ) { tree, current throws(StatusError) in
                tree = fixed
                try Self.checkPreconditions(fixed, current, resource)
            }
            result.warnings = warnings + result.warnings
            return result
        } catch {
            throw error.warning(warnings)
        }
    }

    /// A PUT that creates, which the user must be allowed to do as well.
    private func createOnUpdate(
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
        var object = object
        object[path: "metadata", "resourceVersion"] = nil
        object[path: "metadata", "uid"] = nil
        return try await create(object, resource, namespace: namespace, options, context)
    }

    /// The uid and resourceVersion that the client said the object has.
    static func checkPreconditions(_ tree: JSON, _ current: Object, _ resource: ResourceType) throws(StatusError) {
        let name = current.metadata.name
        let uid = tree["metadata"]?.text("uid") ?? ""
        if !uid.isEmpty, uid != current.metadata.uid {
            throw .conflict(
                resource.groupResource, name,
                "StorageError: invalid object, Code: 4, Key: /registry/\(resource.key(namespace: current.metadata.namespace, name: name)), "
                    + "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: \(uid), UID in object meta: "
                    + current.metadata.uid)
        }
        let version = tree["metadata"]?.text("resourceVersion") ?? ""
        guard let expected = version.isEmpty ? 0 : UInt64(version), !version.hasPrefix("+") else {
            throw StatusError(code: 500, reason: "", message: ListValidation.unreadable(version))
        }
        if expected == 0 {
            if !resource.rules.allowsUnconditionalUpdate {
                throw .invalid(
                    GroupKind(group: resource.group, kind: resource.plural), name,
                    [.invalid("metadata.resourceVersion", .int(0), "must be specified for an update")])
            }
        } else if expected != current.metadata.resourceVersion {
            throw .modified(resource.groupResource, name)
        }
    }

    /// What `change` gives its caller's closure: the tree to change, in the stored version, and the object it comes from.
    typealias Change = (inout JSON, Object) throws(StatusError) -> Void

    /// Reads an object, changes it, and stores it if nobody else has changed it in between; otherwise starts again.
    ///
    /// - Parameters:
    ///   - isApply: whether the change has kept the books of who owns which field itself.
    ///   - attempts: how often; the last failure is a conflict.
    func change(
        _ given: ResourceType, namespace: String, name: String, subresource: String, _ options: UpdateOptions,
        _ context: RequestContext, isApply: Bool = false, attempts: Int = 100, _ change: Change
    ) async throws(StatusError) -> WriteResult {
        let key = given.key(namespace: namespace, name: name)
        for attempt in 1...attempts {
            let snapshot = context.cluster.snapshot
            let resource = try self.current(given, at: snapshot, context.cluster)
            guard let current = snapshot.get(key) else { throw .notFound(resource.groupResource, name) }
            // A custom object is changed in the version of the request, all others as they are stored.
            let isCustom = resource.definition != nil
            let live = isCustom ? try await served(current, resource, in: context.cluster) : current
            var tree = live.tree
            try change(&tree, live)
            let step = try await prepare(
                tree, over: live, resource, namespace: namespace, subresource: subresource, options, context, snapshot,
                isApply: isApply)
            switch step {
            case .unchanged where isCustom:
                // What is stored may be older than its definition, or in another version: then it is written anew, as upstream
                // does, which is how objects are migrated.
                let renewed = try await stored(live.tree, resource, in: context.cluster)
                if renewed == current.tree { return WriteResult(.object(live)) }
                let writes = [
                    Write.put(
                        try Self.draft(renewed, resource), at: key, expect: .revision(current.metadata.resourceVersion))
                ]
                do {
                    let object = try await context.cluster.commit(writes + definitionChecks(resource, at: snapshot))[0]
                    return WriteResult(.object(try await served(object ?? current, resource, in: context.cluster)))
                } catch let error as StoreError {
                    if case .conflict = error, attempt < attempts { continue }
                    throw StatusError(error, resource.groupResource, name)
                } catch let error as StatusError {
                    throw error
                } catch {
                    throw .internalError("changing \(key): \(error)")
                }
            case .unchanged: return WriteResult(.object(Conversion.served(current, resource)))
            case .dryRun(let tree, let warnings):
                return WriteResult(.document(Conversion.fromStored(tree, resource)), warnings: warnings)
            case .write(let tree, let warnings, let accompanying, let held):
                defer { withExtendedLifetime(held) {} }
                var allocation = ServiceAllocation(resource, old: current, ports: nodePorts, isDualStack: isDualStack)
                var allocated = try await stored(tree, resource, in: context.cluster)
                let claims = try allocation.claim(for: &allocated, in: snapshot)
                let draft = try Self.draft(allocated, resource)
                try checkRoom(
                    for: draft.byteCount - current.bytes.count, isNew: false, resource, current.metadata.name, context)
                let expect = Write.Expectation.revision(current.metadata.resourceVersion)
                var writes = [Write.put(draft, at: key, expect: expect)] + claims
                writes += definitionChecks(resource, at: snapshot)
                let isGone = DeletionRules.isDeletedByUpdate(tree, resource)
                if !isGone { writes += accompanying }
                if isGone { writes = [.delete(key, expect: expect)] + ServiceAllocation.releases(of: current, resource) }
                do {
                    let stored = try await context.cluster.commit(writes)[0]
                    let object =
                        isGone ? try Self.sealed(draft, stored?.metadata.resourceVersion ?? 0) : stored ?? current
                    return WriteResult(
                        .object(try await served(object, resource, in: context.cluster)), warnings: warnings)
                } catch let error as StoreError {
                    switch error {
                    case .conflict where attempt < attempts: continue
                    case .notFound: throw .notFound(resource.groupResource, name)
                    case .alreadyExists(let taken) where taken != key:
                        try allocation.isTaken(taken, resource.groupKind, name)
                        continue
                    default: throw StatusError(error, resource.groupResource, name)
                    }
                } catch let error as StatusError {
                    throw error
                } catch {
                    throw .internalError("changing \(key): \(error)")
                }
            }
        }
        throw .modified(given.groupResource, name)
    }

    /// Whether there is nothing to write. That somebody wrote again what they own already changes only when they did.
    private static func isSame(_ new: JSON, _ old: JSON) -> Bool {
        if new == old { return true }
        func timeless(_ tree: JSON) -> JSON {
            var tree = tree
            tree.edit("metadata") { $0.editEach("managedFields") { $0["time"] = nil } }
            return tree
        }
        return timeless(new) == timeless(old)
    }

    private static func sealed(_ draft: Draft, _ revision: UInt64) throws(StatusError) -> Object {
        draft.sealed(resourceVersion: revision)
    }

    private enum Step {
        case unchanged
        case dryRun(JSON, warnings: [String])
        case write(JSON, warnings: [String], accompanying: [Write], held: [any AnyObject & Sendable])
    }

    /// Everything between a changed tree and the commit: what this address may not change is carried over, then defaults,
    /// admission, generation, validation.
    private func prepare(
        _ changed: JSON, over current: Object, _ resource: ResourceType, namespace: String, subresource: String,
        _ options: UpdateOptions, _ context: RequestContext, _ snapshot: Snapshot, isApply: Bool
    ) async throws(StatusError) -> Step {
        let rules = rules(of: resource)
        let old = current.tree
        var object = UpdatedFields.carryOver(changed, old: old, resource, subresource: subresource, rules)
        rules.setDefaults(&object)
        let repeated = OwnerReferences.removeRepeated(from: &object).map { [$0] } ?? []
        switch subresource {
        case _ where isApply: break
        // What a scheduler does is no write of the pod: upstream books nothing of it.
        case "binding": object[path: "metadata", "managedFields"] = old[path: "metadata", "managedFields"]
        default: FieldOwnership.note(&object, old: old, resource, subresource: subresource, options, context)
        }
        var context = context
        if subresource == "binding", !context.isAdmitted {
            // What this server's own scheduler does is to others what a scheduler's request would be.
            let labels = try await admitBinding(of: object, resource, options, context)
            PodTopologyLabels.merge(labels, into: &object)
            context = context.admitted
        }
        var request = AdmissionRequest(
            operation: .update, resource: resource, subresource: subresource, namespace: resource.isNamespaced ? namespace : "",
            name: current.metadata.name, object: object, old: current, isDryRun: options.dryRun, context: context,
            snapshot: snapshot, registry: self, options: .write(options))
        try await admit(&request)
        object = UpdatedFields.carryOver(request.object, old: old, resource, subresource: subresource, rules)

        if subresource == "status" {
            rules.prepareForStatusUpdate(&object, old: old)
        } else if subresource.isEmpty {
            rules.prepareForUpdate(&object, old: old)
        } else {
            rules.prepareForUpdate(&object, old: old, subresource: subresource)
        }
        if Self.isSame(object, old) {
            request.object = object
            // A client's write is looked at although it changes nothing; a part of this server wouldn't have sent it.
            if !context.isInternal { try await validate(&request) }
            return options.dryRun ? .dryRun(old, warnings: []) : .unchanged
        }
        // A binding goes past the rules of an update: a pod that nobody has changed is at 1 wherever it runs.
        if rules.countsGeneration, subresource != "status", subresource != "binding",
            UpdatedFields.isDesireChanged(object, old, countsStatus: rules.countsStatus)
        {
            object[path: "metadata", "generation"] = .int(current.metadata.generation &+ 1)
        }

        var errors = FieldErrors()
        ObjectMetaValidation.validateUpdate(object, old: old, &errors)
        switch subresource {
        case "status": rules.validateStatusUpdate(object, old: old, &errors)
        case "": rules.validateUpdate(object, old: old, &errors)
        // What a definition says of its replicas isn't known to the scale.
        case "scale" where resource.definition != nil: rules.validateUpdate(object, old: old, &errors)
        default: rules.validateUpdate(object, old: old, subresource: subresource, &errors)
        }
        if !errors.isEmpty {
            throw .invalid(
                GroupKind(group: resource.storedAs.group, kind: resource.kind), current.metadata.name, errors.list)
        }
        if subresource.isEmpty {
            try RoleEscalation.check(object, old: old, resource, context, authorizer)
            try ParameterAccess.check(object, old: old, resource, context, self)
        }
        request.object = object
        try await validate(&request)
        let warnings = repeated + (subresource.isEmpty ? rules.warnings(object, old: old) : []) + errors.warnings
        if options.dryRun { return .dryRun(object, warnings: warnings) }
        return .write(object, warnings: warnings, accompanying: request.accompanying, held: request.held)
    }
}
