import KubeObject
import KubeSchema

/// The `Scale` of a workload: how many replicas it shall have and has.
enum Scale {
    static let gvk = GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale")

    /// What a Scale is applied as.
    static let resource = ResourceType(
        gvk: gvk, plural: "scales", singular: "scale", isNamespaced: true, verbs: [],
        type: Schema.builtin.type(forKind: gvk))

    /// - Throws: 500 for a custom object that doesn't say how many replicas it wants, as upstream does.
    static func scale(of object: JSON, _ resource: ResourceType) throws(StatusError) -> JSON {
        if let paths = resource.custom?.scale { return try paths.scale(of: object) }
        var metadata: JSON = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[key] = object["metadata"]?[key]
        }
        var spec: JSON = [:]
        if let replicas = object[path: "spec", "replicas"]?.int, replicas != 0 { spec["replicas"] = .int(replicas) }
        var status: JSON = ["replicas": .int(object[path: "status", "replicas"]?.int ?? 0)]
        if let selector = selector(of: object, resource), !selector.isEmpty { status["selector"] = .string(selector) }
        return ["apiVersion": .string(gvk.apiVersion), "kind": "Scale", "metadata": metadata, "spec": spec, "status": status]
    }

    /// As `scale(of:_:)`; an object that doesn't say how many replicas it wants has none, and can be told.
    static func current(of object: JSON, _ resource: ResourceType) throws(StatusError) -> JSON {
        guard let paths = resource.custom?.scale, paths.specReplicas.value(in: object) == nil else {
            return try scale(of: object, resource)
        }
        var object = object
        object[keys: paths.specReplicas.keys[...]] = 0
        return try paths.scale(of: object)
    }

    private static func selector(of object: JSON, _ resource: ResourceType) -> String? {
        guard let selector = object[path: "spec", "selector"] else { return nil }
        if resource.plural == "replicationcontrollers" {
            return LabelSelector(matchLabels: selector.stringMap).description
        }
        return Result { try LabelSelector(selector) }.value?.description
    }

    /// The replicas that a Scale asks for.
    ///
    /// - Throws: 422.
    static func replicas(_ scale: JSON, name: String) throws(StatusError) -> Int64 {
        let replicas = scale[path: "spec", "replicas"]?.int ?? 0
        if replicas < 0 {
            throw .invalid(
                gvk.groupKind, name, [.invalid("spec.replicas", .int(replicas), "must be greater than or equal to 0")])
        }
        return replicas
    }
}

extension Registry {
    func updateScale(
        _ tree: JSON, _ resource: ResourceType, namespace: String, name: String, _ options: UpdateOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        var warnings: [String] = []
        let scale = try Decoding.decode(
            tree, as: Scale.gvk, type: schema.type(forKind: Scale.gvk), validation: options.fieldValidation, warnings: &warnings,
            complaints: options.complaints)
        return try await setScale(resource, namespace: namespace, name: name, options, context) { _ throws(StatusError) in scale }
    }

    func patchScale(
        _ type: PatchType, _ body: JSON, _ resource: ResourceType, namespace: String, name: String, _ options: PatchOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let schemaType = schema.type(forKind: Scale.gvk)
        if type == .apply { return try await applyScale(body, resource, namespace: namespace, name: name, options, context) }
        return try await setScale(
            resource, namespace: namespace, name: name, options.update, context
        ) { scale throws(StatusError) in
            var warnings: [String] = []
            let patched = try Patching.apply(type, body, to: scale, type: schemaType)
            return try Decoding.decode(
                patched, as: Scale.gvk, type: schemaType, validation: options.fieldValidation, warnings: &warnings,
                complaints: BodyComplaints(texts: options.complaints), patch: (type, body))
        }
    }

    /// Applies the replicas to the object itself: its books say that they came through the scale.
    private func applyScale(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, _ options: PatchOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        var wanted = try Self.checkApplied(body, Scale.resource)
        if wanted["metadata"]?.text("name").isEmpty ?? true { wanted[path: "metadata", "name"] = .string(name) }
        try Self.checkName(&wanted, Scale.resource, namespace: namespace, name: name)
        if let type = schema.type(forKind: Scale.gvk) { try ServerSideApply.check(wanted, type) }
        if wanted[path: "spec", "replicas"] != nil { _ = try Scale.replicas(wanted, name: name) }
        var parent: JSON = ["apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind)]
        for key in ["name", "namespace", "uid", "resourceVersion"] {
            if let value = wanted["metadata"]?[key] { parent[path: "metadata", key] = value }
        }
        let replicasPath = resource.custom?.scale?.specReplicas.keys ?? ["spec", "replicas"]
        if let replicas = wanted[path: "spec", "replicas"] { parent[keys: replicasPath[...]] = replicas }
        do {
            let result = try await apply(
                parent, resource, namespace: namespace, name: name, subresource: "scale", options, context)
            return WriteResult(
                .document(try Scale.scale(of: result.answer.tree, resource)), code: result.code, warnings: result.warnings)
        } catch  where error.reason == "Conflict" {
            // Who owns the replicas is told in the words of the scale.
            throw error.replacing(" using \(resource.apiVersion)", with: " using \(Scale.gvk.apiVersion)")
        }
    }

    private func setScale(
        _ resource: ResourceType, namespace: String, name: String, _ options: UpdateOptions, _ context: RequestContext,
        _ wanted: (JSON) throws(StatusError) -> JSON
    ) async throws(StatusError) -> WriteResult {
        let result = try await change(
            resource, namespace: namespace, name: name, subresource: "scale", options, context
        ) { tree, current throws(StatusError) in
            let scale = try wanted(try Scale.current(of: tree, resource))
            let version = scale["metadata"]?.text("resourceVersion") ?? ""
            if !version.isEmpty, version != String(current.metadata.resourceVersion) {
                throw .modified(resource.groupResource, name)
            }
            if let paths = resource.custom?.scale {
                // Whether the number is good is told by the object's own validation.
                paths.apply(scale, to: &tree)
            } else {
                tree[path: "spec", "replicas"] = .int(try Scale.replicas(scale, name: name))
            }
        }
        return WriteResult(
            .document(try Scale.scale(of: result.answer.tree, resource)), code: result.code, warnings: result.warnings)
    }
}

extension StatusError {
    /// With another word in the message and in the causes.
    fileprivate func replacing(_ word: String, with other: String) -> StatusError {
        var error = self
        error.message = message.replacing(word, with: other)
        if var details {
            details.editEach("causes") { $0["message"] = .string($0.text("message").replacing(word, with: other)) }
            error.details = details
        }
        return error
    }
}
