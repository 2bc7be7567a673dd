public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Deletes an object: at once, or by marking it when finalizers or a grace period hold it up.
    ///
    /// - Returns: a `Status` (or, for some kinds, the object) when it's gone, the marked object when it isn't yet.
    /// - Throws: 403, 404, 405, 409 or 422, in upstream's words.
    @discardableResult
    public func delete(
        _ resource: ResourceType, namespace: String, name: String, _ options: DeleteOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard resource.isStored else { throw .methodNotSupported(resource.groupResource, "delete") }
        try DeletionRules.validate(options)
        let key = resource.key(namespace: namespace, name: name)
        for _ in 0..<100 {
            let snapshot = context.cluster.snapshot
            guard let found = snapshot.get(key) else { throw .notFound(resource.groupResource, name) }
            // What is written again is complete by the definition as it is now.
            let object = resource.definition.map { CustomForm.renewed(found, $0) } ?? found
            try DeletionRules.check(options, object, resource)
            var request = AdmissionRequest(
                operation: .delete, resource: resource, subresource: "", namespace: object.metadata.namespace, name: name,
                object: .null, old: object, isDryRun: options.dryRun, context: context, snapshot: snapshot, registry: self,
                options: .delete(options))
            try await admit(&request)
            try await validate(&request)
            let outcome: DeletionRules.Outcome
            switch (resource.storedAs.group, resource.plural) {
            case ("", "namespaces"): outcome = NamespaceDeletion.decide(object)
            case ("apiextensions.k8s.io", "customresourcedefinitions"):
                outcome =
                    CustomResourceDefinitionDeletion.decide(object, now: Timestamp.now())
                    ?? DeletionRules.decide(object, resource, options, now: Timestamp.seconds)
            default: outcome = DeletionRules.decide(object, resource, options, now: Timestamp.seconds)
            }
            do {
                guard let result = try await commit(outcome, of: object, resource, options, context) else { continue }
                return result
            } catch let error as StoreError {
                switch error {
                case .conflict: continue
                default: throw StatusError(error, resource.groupResource, name)
                }
            } catch let error as StatusError {
                throw error
            } catch {
                throw .internalError("deleting \(key): \(error)")
            }
        }
        throw .modified(resource.groupResource, name)
    }

    private func commit(
        _ outcome: DeletionRules.Outcome, of object: Object, _ resource: ResourceType, _ options: DeleteOptions,
        _ context: RequestContext
    ) async throws -> WriteResult? {
        let key = resource.key(namespace: object.metadata.namespace, name: object.metadata.name)
        let expect = Write.Expectation.revision(object.metadata.resourceVersion)
        switch outcome {
        case .pending: return waiting(try await served(object, resource, in: context.cluster), options)
        case .mark(let tree):
            if options.dryRun { return WriteResult(.document(Conversion.fromStored(tree, resource))) }
            guard let stored = try await context.cluster.commit([.put(try Draft(tree), at: key, expect: expect)])[0] else {
                return nil
            }
            return waiting(try await served(stored, resource, in: context.cluster), options)
        case .remove:
            if !options.dryRun {
                _ = try await context.cluster.commit(
                    [.delete(key, expect: expect)] + ServiceAllocation.releases(of: object, resource))
            }
            if resource.rules.returnsDeletedObject {
                return WriteResult(.object(try await served(object, resource, in: context.cluster)))
            }
            var details: JSON = [
                "name": .string(object.metadata.name), "kind": .string(resource.plural), "uid": .string(object.metadata.uid),
            ]
            if !resource.group.isEmpty { details["group"] = .string(resource.group) }
            return WriteResult(
                .document([
                    "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details,
                ]))
        }
    }

    /// An object as an item of a list, which says the kind of all of them; only custom resources' items say it again.
    private static func listed(_ tree: JSON, _ resource: ResourceType) -> JSON {
        guard resource.definition == nil else { return tree }
        var tree = tree
        tree["apiVersion"] = nil
        tree["kind"] = nil
        return tree
    }

    private func waiting(_ object: Object, _ options: DeleteOptions) -> WriteResult {
        // Upstream would say so always, but for clients that rely on 200.
        let isAccepted = options.orphanDependents == false
        return WriteResult(.object(object), code: isAccepted ? 202 : 200)
    }

    /// Deletes the objects that a list with these options gives.
    ///
    /// - Returns: the list of them.
    public func deleteCollection(
        _ resource: ResourceType, namespace: String, _ list: ListOptions,
        _ options: DeleteOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let found = try await servedList(resource, namespace: namespace, list, context)
        for object in found.objects {
            do {
                try await delete(resource, namespace: object.metadata.namespace, name: object.metadata.name, options, context)
            } catch  where error.reason == "NotFound" {
                // Somebody else was quicker.
            }
        }
        var metadata = found.metadata
        // A list of custom objects says so when nothing follows.
        if resource.definition != nil, found.continueToken.isEmpty { metadata["continue"] = "" }
        return WriteResult(
            .document([
                "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion), "metadata": metadata,
                "items": .array(found.objects.map { Self.listed($0.tree, resource) }),
            ]))
    }
}

/// A namespace's deletion: it is marked and becomes Terminating; the namespace controller empties it and takes its finalizers away.
enum NamespaceDeletion {
    static func decide(_ namespace: Object) -> DeletionRules.Outcome {
        var tree = namespace.tree
        if namespace.metadata.deletionTimestamp == nil {
            tree[path: "metadata", "deletionTimestamp"] = .string(Timestamp.now())
            tree[path: "status", "phase"] = "Terminating"
            let isHeld = (tree["spec"]?.has("finalizers") ?? false) || !namespace.metadata.finalizers.isEmpty
            return isHeld ? .mark(tree) : .remove
        }
        let isHeld = (tree["spec"]?.has("finalizers") ?? false) || !namespace.metadata.finalizers.isEmpty
        return isHeld ? .pending : .remove
    }
}
