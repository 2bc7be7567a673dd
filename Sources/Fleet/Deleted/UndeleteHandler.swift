public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `deletedclusters/NAME/undelete`: the cluster is there again, under its name or another one, with everything that it had and its keys.
public struct UndeleteHandler: SubresourceHandler {
    private let clusters: ArchivedClusters
    private let store: Store
    private let isEnding: @Sendable (Int64) -> Bool

    /// - Parameters:
    ///   - clusters: makes them.
    ///   - store: where the clusters are.
    ///   - isEnding: whether pods of a logical cluster that was deleted still end.
    public init(_ clusters: ArchivedClusters, store: Store, isEnding: @escaping @Sendable (Int64) -> Bool) {
        self.clusters = clusters
        self.store = store
        self.isEnding = isEnding
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let key = Key(group: Platform.group, plural: Platform.deletedClusters.resource, namespace: namespace, name: name)
        guard let object = context.cluster.snapshot.get(key), object.metadata.deletionTimestamp == nil else {
            throw .notFound(Platform.deletedClusters, name)
        }
        let deleted = DeletedCluster(object)
        guard case .retired(let info) = store.whereabouts(ofUID: deleted.uid, named: deleted.logical) else {
            throw .notFound(Platform.deletedClusters, name)
        }
        let found: RetiredCluster?
        do { found = try await store.retiredCluster(id: info.id) } catch {
            throw .internalError("loading the deleted cluster \(name): \(error)")
        }
        guard let found else { throw .notFound(Platform.deletedClusters, name) }
        try await untilEnded(info.id, name)
        let wanted = (body["name"]?.string).flatMap { $0.isEmpty ? nil : $0 } ?? deleted.name
        let made = try await clusters.make(
            ArchivedClusters.Wanted(
                namespace: namespace, name: wanted, spec: deleted.spec, record: found.record,
                objects: found.snapshot.entries(prefix: "").map { ($0.key, $0.object) }, revision: found.snapshot.revision,
                origin: .deleted(found, deleted)), options, context)
        return WriteResult(
            .document([
                "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterUndelete", "name": .string(wanted),
                "cluster": made[path: "metadata", "uid"] ?? "",
            ]), code: 201)
    }

    /// No pod may find another of the same volumes that still writes.
    private func untilEnded(_ id: Int64, _ name: String) async throws(StatusError) {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(40)
        while isEnding(id) {
            guard clock.now < deadline else {
                throw .serviceUnavailable("pods of the deleted cluster \(name) haven't ended yet; try again in a moment")
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { throw .timeout("the request was given up") }
        }
    }
}
