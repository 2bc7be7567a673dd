import KubeObject
import KubeSchema
import KubeStore

/// The objects that a binding chooses for a policy's expressions to read.
struct PolicyParameters {
    /// Why they can't be had.
    struct Failure: Error {
        var text: String
        /// Whether it is the policy that is wrong, and not the binding.
        var isOfPolicy = false
    }

    let policy: AdmissionPolicy
    let binding: AdmissionPolicyBinding

    /// One nil when the policy takes none, or the binding gives none; empty when there are none and that is no mistake.
    func collect(for request: AdmissionRequest) async throws(Failure) -> [JSON?] {
        guard let kind = policy.paramKind else { return [nil] }
        guard let resource = request.registry.schema(of: request.context.cluster, at: request.snapshot).resource(forKind: kind)
        else {
            throw Failure(text: "failed to find resource referenced by paramKind: '\(kind)'", isOfPolicy: true)
        }
        guard let reference = binding.paramRef else { return [nil] }
        let objects = try find(reference, resource, request)
        if objects.isEmpty, reference.text("parameterNotFoundAction") == "Deny" {
            throw Failure(text: "no params found for policy binding with `Deny` parameterNotFoundAction")
        }
        var trees: [JSON?] = []
        for object in objects {
            do throws(StatusError) {
                trees.append(try await request.registry.served(object, resource, in: request.context.cluster).tree)
            } catch {
                throw Failure(text: error.message)
            }
        }
        return trees
    }

    private func find(
        _ reference: JSON, _ resource: ResourceType, _ request: AdmissionRequest
    ) throws(Failure) -> [Object] {
        var namespace = reference.text("namespace")
        if resource.isNamespaced {
            if namespace.isEmpty { namespace = request.reviewedNamespace }
            if namespace.isEmpty {
                throw Failure(text: "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
            }
        } else if !namespace.isEmpty {
            throw Failure(text: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        }
        let name = reference.text("name")
        if !name.isEmpty {
            return request.snapshot.get(resource.key(namespace: namespace, name: name)).map { [$0] } ?? []
        }
        let selector: LabelSelector
        do throws(ObjectError) {
            selector = try LabelSelector(reference["selector"] ?? [:])
        } catch {
            throw Failure(text: error.description)
        }
        return request.snapshot.objects(prefix: resource.prefix(namespace: namespace)).filter {
            selector.matches($0.metadata.labels)
        }
    }
}

extension AdmissionRequest {
    /// The namespace that expressions see; a namespace is in none.
    func namespaceObject() throws(StatusError) -> Object? {
        if namespace.isEmpty || isForNamespaces { return nil }
        guard let found = snapshot.get(Key(group: "", plural: "namespaces", name: namespace)) else {
            throw .notFound(GroupResource(group: "", resource: "namespaces"), namespace)
        }
        return found
    }

    /// The answer to a request that a policy refuses.
    func refusal(_ message: String, reason: String, code: Int) -> StatusError {
        let generated = object["metadata"]?.text("generateName") ?? ""
        let shown = !name.isEmpty ? name : generated.isEmpty ? "Unknown" : generated
        var error = StatusError.forbidden(resource.groupResource, shown, message)
        error.reason = reason
        error.code = code
        error.details?["causes"] = [["message": .string(message)]]
        return error
    }
}
