public import KubeObject
public import KubeSchema

// The verbs with the options of a request that says nothing.
extension Registry {
    public func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await create(tree, resource, namespace: namespace, CreateOptions(), context)
    }

    public func list(
        _ resource: ResourceType, namespace: String, _ context: RequestContext
    ) throws(StatusError) -> ListResult {
        try list(resource, namespace: namespace, ListOptions(), context)
    }

    public func watch(
        _ resource: ResourceType, namespace: String, _ context: RequestContext
    ) throws(StatusError) -> WatchStream {
        try watch(resource, namespace: namespace, ListOptions(), context)
    }

    public func update(
        _ tree: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String = "",
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await update(
            tree, resource, namespace: namespace, name: name, subresource: subresource, UpdateOptions(), context)
    }

    public func patch(
        _ type: PatchType, _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String = "",
        _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await patch(
            type, body, resource, namespace: namespace, name: name, subresource: subresource, PatchOptions(), context)
    }

    @discardableResult
    public func delete(
        _ resource: ResourceType, namespace: String, name: String, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await delete(resource, namespace: namespace, name: name, DeleteOptions(), context)
    }

    public func deleteCollection(
        _ resource: ResourceType, namespace: String, _ list: ListOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        try await deleteCollection(resource, namespace: namespace, list, DeleteOptions(), context)
    }
}
