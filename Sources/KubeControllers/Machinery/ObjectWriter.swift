public import KubeObject
public import KubeSchema
public import KubeStore

/// What happens to the dependents of an object that a controller deletes.
public enum Propagation: String, Sendable {
    case orphan = "Orphan"
    case background = "Background"
    case foreground = "Foreground"
}

/// How controllers write: through the same defaulting, validation and admission as clients.
public protocol ObjectWriter: Sendable {
    func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, in cluster: LogicalCluster, as controller: String
    ) async throws -> Object

    /// Changes the newest version of an object, again if somebody else was quicker. A change that changes nothing writes nothing.
    func mutate(
        _ resource: ResourceType, namespace: String, name: String, subresource: String, in cluster: LogicalCluster,
        as controller: String, _ change: (inout JSON) throws(StatusError) -> Void
    ) async throws -> Object

    func delete(
        _ resource: ResourceType, namespace: String, name: String, uid: String, policy: Propagation?, gracePeriodSeconds: Int64?,
        in cluster: LogicalCluster, as controller: String
    ) async throws
}
