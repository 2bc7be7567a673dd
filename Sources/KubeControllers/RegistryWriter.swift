public import KubeObject
public import KubeRegistry
public import KubeSchema
public import KubeStore

/// Writes through the registry, each controller as its own service account.
public struct RegistryWriter: ObjectWriter {
    private let registry: Registry

    public init(_ registry: Registry) { self.registry = registry }

    public func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, in cluster: LogicalCluster, as controller: String
    ) async throws -> Object {
        let result = try await registry.create(
            tree, resource, namespace: namespace, CreateOptions(), RequestContext.controller(controller, in: cluster))
        guard let object = result.answer.object else {
            throw StatusError.internalError("creating a \(resource.kind) was answered by no object")
        }
        return object
    }

    public func mutate(
        _ resource: ResourceType, namespace: String, name: String, subresource: String, in cluster: LogicalCluster,
        as controller: String, _ change: (inout JSON) throws(StatusError) -> Void
    ) async throws -> Object {
        try await registry.mutate(
            resource, namespace: namespace, name: name, subresource: subresource,
            RequestContext.controller(controller, in: cluster), change)
    }

    public func delete(
        _ resource: ResourceType, namespace: String, name: String, uid: String, policy: Propagation?, gracePeriodSeconds: Int64?,
        in cluster: LogicalCluster, as controller: String
    ) async throws {
        try await registry.delete(
            resource, namespace: namespace, name: name,
            DeleteOptions(
                gracePeriodSeconds: gracePeriodSeconds,
                propagationPolicy: policy.flatMap { PropagationPolicy(rawValue: $0.rawValue) },
                preconditionUID: uid),
            RequestContext.controller(controller, in: cluster))
    }
}
