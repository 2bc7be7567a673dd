public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Changes an object as it is at the moment of the change, whoever else changes it: the way in which controllers and the
    /// runtime write. The closure may be called several times. Nothing is written when it changes nothing.
    ///
    /// - Parameters:
    ///   - subresource: `status` to change the status, empty for everything else.
    ///   - uid: when given, an object of another uid counts as not found.
    /// - Returns: the object as stored.
    /// - Throws: what the closure throws; 404; whatever an update by a client would be told.
    @discardableResult
    public func mutate(
        _ resource: ResourceType, namespace: String, name: String, subresource: String = "", uid: String? = nil,
        _ context: RequestContext, _ change: (inout JSON) throws(StatusError) -> Void
    ) async throws(StatusError) -> Object {
        let result = try await self.change(
            resource, namespace: namespace, name: name, subresource: subresource, UpdateOptions(), context
        ) { tree, current throws(StatusError) in
            if let uid, uid != current.metadata.uid { throw .notFound(resource.groupResource, name) }
            try change(&tree)
        }
        guard let object = result.answer.object else { throw .internalError("a change of \(name) was answered by no object") }
        return object
    }
}
