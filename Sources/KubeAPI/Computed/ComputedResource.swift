public import KubeObject
public import KubeStore

/// Answers reads of a resource that nobody stores: what it says is found out when it is asked.
public protocol ComputedResource: Sendable {
    /// The objects of a namespace, or (empty) of all; or only the one of a name.
    ///
    /// - Returns: whole objects with their metadata, in order; none when there is none of the name.
    /// - Throws: what the client is answered when it can't be found out.
    func objects(namespace: String, name: String?, in cluster: LogicalCluster) async throws(StatusError) -> [JSON]
}
