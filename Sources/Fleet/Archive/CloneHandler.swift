import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/clone`: makes another cluster of the same namespace with what this one has, and with keys of its own: no
/// credential of the one is anything in the other. With the volumes' data it takes several requests, which name what the first answer called
/// `transfer`.
public struct CloneHandler: SubresourceHandler {
    private let clusters: ArchivedClusters
    private let store: Store
    private let transfers: VolumeTransfers

    /// - Parameters:
    ///   - clusters: makes them.
    ///   - store: where the clusters are.
    ///   - transfers: those with volumes' data.
    public init(_ clusters: ArchivedClusters, store: Store, transfers: VolumeTransfers) {
        self.clusters = clusters
        self.store = store
        self.transfers = transfers
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard let new = body["name"]?.string, !new.isEmpty else {
            throw .badRequest("name is missing: what the new cluster is to be called")
        }
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterClone", "name": .string(new),
        ]
        if let id = body["transfer"]?.string, !id.isEmpty {
            try await goOn(id, &answer, options, context)
            return WriteResult(.document(answer), code: 201)
        }
        let (object, cluster) = try await ExportHandler.cluster(namespace, name, context, store)
        let spec = object.tree["spec"] ?? [:]
        @Sendable func wanted(_ snapshot: Snapshot) throws(StatusError) -> ArchivedClusters.Wanted {
            let record: JSON
            do {
                record = try ClusterIdentity.generate(clusterName: ClusterName.logical(namespace: namespace, name: new)).record()
            } catch {
                throw .internalError("making keys for cluster \(new): \(error)")
            }
            return ArchivedClusters.Wanted(
                namespace: namespace, name: new, spec: spec, record: record,
                objects: snapshot.entries(prefix: "").map { ($0.key, $0.object) }, revision: snapshot.revision, origin: .clone)
        }
        if body["withVolumes"]?.bool == true, !options.dryRun {
            let volumes = try transfers.volumes()
            // What would be refused in the end is refused before a pod is stopped for it.
            _ = try await clusters.prepare(try wanted(cluster.snapshot), context)
            let frozen = FrozenCluster(cluster, keeper: transfers.keeper)
            let clone = VolumeClone(frozen, clusters, transfers, volumes, wanted: wanted)
            answer["transfer"] = .string(try transfers.begin(clone, by: context.user.name))
            answer["state"] = "Stopping"
            return WriteResult(.document(answer), code: 201)
        }
        let snapshot = cluster.snapshot
        let made = try await clusters.make(try wanted(snapshot), options, context)
        answer["cluster"] = made[path: "metadata", "uid"] ?? ""
        answer["volumes"] = .int(Int64(snapshot.count(prefix: Key.prefix(group: "", plural: "persistentvolumeclaims"))))
        return WriteResult(.document(answer), code: 201)
    }

    private func goOn(
        _ id: String, _ answer: inout JSON, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) {
        guard let clone = try transfers.take(id, VolumeClone.self, by: context.user.name) else { throw VolumeTransfers.unknown }
        defer { transfers.giveBack(id) }
        answer["transfer"] = .string(id)
        do {
            switch try await clone.goOn(options, context) {
            case .stopping: answer["state"] = "Stopping"
            case .copying(let bytes):
                answer["state"] = "Copying"
                answer["bytes"] = .int(Int64(bytes))
            case .made(let made, let without, let leftOut):
                answer["state"] = "Done"
                answer["cluster"] = made[path: "metadata", "uid"] ?? ""
                answer["volumes"] = .int(Int64(without))
                answer["leftOut"] = .int(Int64(leftOut))
                await transfers.end(id)
            }
        } catch {
            await transfers.end(id)
            throw error
        }
    }
}
