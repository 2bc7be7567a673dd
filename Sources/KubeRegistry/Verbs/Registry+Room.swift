import KubeObject
import KubeSchema
import KubeStore

extension Registry {
    /// Whether a cluster has room for what is to be written.
    ///
    /// Looked at before the write and not in its transaction: requests in progress may take a cluster past its limit by as much as they bring.
    /// - Parameters:
    ///   - growth: by how many bytes the cluster's objects become more.
    ///   - isNew: whether there will be one object more.
    /// - Throws: 403, which says the limit.
    func checkRoom(
        for growth: Int, isNew: Bool, _ resource: ResourceType, _ name: String, _ context: RequestContext
    ) throws(StatusError) {
        // What a part of this server notes about an object, as its status, has to be noted.
        guard growth > 0, isNew || !context.isInternal else { return }
        let limits = policies(context.cluster).limits
        func refuse(_ what: String, _ field: String) -> StatusError {
            .forbidden(
                resource.groupResource, name,
                "the cluster's limit of \(what) is reached; delete something, or have spec.limits.\(field) of its VirtualCluster raised"
            )
        }
        if isNew, context.cluster.ownObjects >= limits.objects { throw refuse("\(limits.objects) objects", "objects") }
        // The difference, because the sum may be too large for a number.
        if growth > limits.bytes - min(context.cluster.ownBytes, limits.bytes) {
            throw refuse("\(limits.bytes) bytes of objects", "bytes")
        }
    }
}
