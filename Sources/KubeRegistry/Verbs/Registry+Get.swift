public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Checks the resourceVersion that a reader of one object wants it to have at least.
    ///
    /// - Throws: 500 for what is none, as upstream does; 504 for one that there isn't yet.
    public func checkNotTooNew(_ version: String, _ context: RequestContext) throws(StatusError) {
        guard let wanted = try ListValidation.revision(version) else { return }
        let current = context.cluster.revision
        if wanted > current { throw ListValidation.tooLarge(wanted, current) }
    }

    /// One object, in the resource's version; a custom one as it is stored, for `served` to bring into its version.
    ///
    /// - Throws: 404.
    public func get(
        _ resource: ResourceType, namespace: String, name: String, _ context: RequestContext
    ) throws(StatusError) -> Object {
        guard resource.isStored else { throw .methodNotSupported(resource.groupResource, "get") }
        guard let object = context.cluster.snapshot.get(resource.key(namespace: namespace, name: name)) else {
            throw .notFound(resource.groupResource, name)
        }
        return Conversion.served(object, resource)
    }

    /// A part of an object: the object itself for `status` and the like, a `Scale` for `scale`.
    ///
    /// - Throws: 404.
    public func get(
        _ resource: ResourceType, namespace: String, name: String, subresource: String, _ context: RequestContext
    ) async throws(StatusError) -> Answer {
        var object: Object
        do {
            object = try get(resource, namespace: namespace, name: name, context)
        } catch  where error.reason == "NotFound" && subresource == "scale" && resource.definition == nil {
            // Upstream's scales of built-in kinds have names of their own.
            throw .notFound(
                GroupResource(
                    group: resource.group.isEmpty ? "autoscaling" : resource.group, resource: "\(resource.plural)/scale"), name)
        }
        if resource.definition != nil { object = try await served(object, resource, in: context.cluster) }
        return subresource == "scale" ? .document(try Scale.scale(of: object.tree, resource)) : .object(object)
    }
}
