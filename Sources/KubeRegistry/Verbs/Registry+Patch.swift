public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Changes an object by a patch, in the resource's own version.
    ///
    /// A patch is applied to the object as it is; when somebody else changes it in between, it's applied again.
    /// - Throws: 400, 403, 404, 405, 409, 415 or 422, in upstream's words.
    public func patch(
        _ type: PatchType, _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String = "",
        _ options: PatchOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard resource.isStored, resource.allows("patch") || !subresource.isEmpty else {
            throw .methodNotSupported(resource.groupResource, "patch")
        }
        if subresource == "scale" {
            return try await patchScale(type, body, resource, namespace: namespace, name: name, options, context)
        }
        if type == .apply {
            return try await apply(
                body, resource, namespace: namespace, name: name, subresource: subresource, options, context)
        }
        var warnings: [String] = []
        do {
            var result = try await change(
                resource, namespace: namespace, name: name, subresource: subresource, options.update, context
            ) { tree, current throws(StatusError) in
                warnings = []
                let served = Conversion.fromStored(tree, resource)
                let patched = try Patching.apply(type, body, to: served, type: resource.type)
                var object = try Decoding.decode(
                    patched, as: resource.gvk, type: resource.type, validation: options.fieldValidation, warnings: &warnings,
                    complaints: BodyComplaints(texts: options.complaints), patch: (type, body))
                let metadata = object["metadata"] ?? [:]
                if metadata.text("name").isEmpty {
                    throw .badRequest("the name of the object (\(name) based on URL) was undeterminable: name must be provided")
                }
                if metadata.text("name") != name {
                    throw .badRequest(
                        "the name of the object (\(metadata.text("name"))) does not match the name on the URL (\(name))")
                }
                try Self.matchNamespace(&object, resource, namespace)
                object = Conversion.toStored(object, resource)
                // A patch that names no resourceVersion leaves the current one in place.
                if !metadata.has("resourceVersion") {
                    object[path: "metadata", "resourceVersion"] = .string(String(current.metadata.resourceVersion))
                }
                // Of another object it is because its uid can't be changed, not because of a precondition.
                var expected = object
                expected[path: "metadata", "uid"] = nil
                try Self.checkPreconditions(expected, current, resource)
                tree = object
            }
            result.warnings = warnings + result.warnings
            return result
        } catch {
            throw error.warning(warnings)
        }
    }
}

/// Applies patches of every kind.
enum Patching {
    static func apply(
        _ type: PatchType, _ body: JSON, to tree: JSON, type schema: TypeSchema?
    ) throws(StatusError) -> JSON {
        switch type {
        case .json: return try JSONPatch.apply(body, to: tree)
        case .merge: return try MergePatch.apply(body, to: tree)
        case .strategicMerge:
            // Lists of a resource without a known type can't be merged: upstream refuses it for custom resources.
            guard let schema, schema.custom == nil else { break }
            return try StrategicMergePatch.apply(body, to: tree, type: schema)
        case .apply: break
        }
        let others = PatchType.allCases.filter { $0 != type && $0 != .apply }
        throw .unsupportedMediaType(type.rawValue, others.map(\.rawValue))
    }
}
