import KubeObject
import KubeSchema

/// A request's objects as webhooks and policies see them: in the version that they asked for, and a scale as a `Scale`.
extension AdmissionRequest {
    private var isScale: Bool { operation == .update && subresource == "scale" }

    /// The object, or null.
    func object(as target: AdmissionTarget) async throws(StatusError) -> JSON { try await form(of: object, target) }

    /// The object as it was, or null.
    func oldObject(as target: AdmissionTarget) async throws(StatusError) -> JSON {
        guard let old else { return .null }
        return try await form(of: old.tree, target)
    }

    private func form(of tree: JSON, _ target: AdmissionTarget) async throws(StatusError) -> JSON {
        if tree.isNull { return tree }
        if isScale { return try Scale.current(of: tree, resource) }
        // Bodies and options are of one version only.
        guard target.kind.kind == resource.kind else { return tree }
        if resource.definition != nil { return try await registry.converted(tree, to: target.resource, in: context.cluster) }
        return Conversion.fromStored(tree, target.resource)
    }

    /// Takes over what somebody has made of the object.
    ///
    /// - Parameter changed: in the target's version.
    /// - Throws: 400 or 500 when it isn't an object of this kind any more.
    mutating func replaceObject(with changed: JSON, as target: AdmissionTarget) async throws(StatusError) {
        var ignored: [String] = []
        let type =
            target.kind == target.resource.gvk
            ? target.resource.type
            : target.resource.subresource(subresource)?.type ?? registry.schema.type(forKind: target.kind)
        let decoded = try Decoding.decode(changed, as: target.kind, type: type, validation: .ignore, warnings: &ignored)
        if isScale {
            if let paths = resource.custom?.scale {
                paths.apply(decoded, to: &object)
            } else {
                object[path: "spec", "replicas"] = .int(try Scale.replicas(decoded, name: name))
            }
            return
        }
        guard target.kind.kind == resource.kind else {
            object = decoded
            return
        }
        if resource.definition != nil {
            object = try await registry.converted(decoded, to: resource, in: context.cluster)
        } else {
            object = Conversion.toStored(decoded, target.resource)
        }
        resource.rules.setDefaults(&object)
    }
}
