import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/clone`: makes another cluster of the same namespace with what this one has, and with keys of its own: no
/// credential of the one is anything in the other.
public struct CloneHandler: SubresourceHandler {
    private let clusters: ArchivedClusters
    private let store: Store

    /// - Parameters:
    ///   - clusters: makes them.
    ///   - store: where the clusters are.
    public init(_ clusters: ArchivedClusters, store: Store) {
        self.clusters = clusters
        self.store = store
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard let new = body["name"]?.string, !new.isEmpty else {
            throw .badRequest("name is missing: what the new cluster is to be called")
        }
        let (object, cluster) = try await ExportHandler.cluster(namespace, name, context, store)
        let snapshot = cluster.snapshot
        let record: JSON
        do {
            record = try ClusterIdentity.generate(clusterName: ClusterName.logical(namespace: namespace, name: new)).record()
        } catch {
            throw .internalError("making keys for cluster \(new): \(error)")
        }
        let made = try await clusters.make(
            ArchivedClusters.Wanted(
                namespace: namespace, name: new, spec: object.tree["spec"] ?? [:], record: record,
                objects: snapshot.entries(prefix: "").map { ($0.key, $0.object) }, revision: snapshot.revision,
                origin: .clone), options, context)
        return WriteResult(
            .document([
                "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterClone", "name": .string(new),
                "cluster": made[path: "metadata", "uid"] ?? "",
                "volumes": .int(Int64(snapshot.count(prefix: Key.prefix(group: "", plural: "persistentvolumeclaims")))),
            ]), code: 201)
    }
}
