import Foundation
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/export`: a piece of the cluster's archive at a time, all of one revision. Nothing is kept between pieces: the
/// revision is in `continue`, and is as far back as the cluster's event log reaches. With the volumes' data the cluster's pods are at rest meanwhile, and
/// what is kept is named by `transfer`.
///
/// Who may ask has the cluster's keys afterwards: `create` on `virtualclusters/export`.
public struct ExportHandler: SubresourceHandler {
    /// A piece ends with the object that brings it to this many bytes.
    static let pieceSize = 2 << 20

    private let store: Store
    private let transfers: VolumeTransfers

    /// - Parameters:
    ///   - store: where the clusters are.
    ///   - transfers: those with volumes' data.
    public init(store: Store, transfers: VolumeTransfers) {
        self.store = store
        self.transfers = transfers
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        if let id = body["transfer"]?.string, !id.isEmpty { return try await goOn(id, context) }
        let (object, cluster) = try await Self.cluster(namespace, name, context, store)
        if body["withVolumes"]?.bool == true {
            guard !options.dryRun else { throw .badRequest("an export with volumes stops pods, and can't be tried") }
            let volumes = try transfers.volumes()
            let export = VolumeExport(
                FrozenCluster(cluster, keeper: transfers.keeper), name: name, spec: object.tree["spec"] ?? [:], volumes)
            let id = try transfers.begin(export, by: context.user.name)
            return WriteResult(
                .document([
                    "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterExport", "transfer": .string(id),
                    "state": "Stopping",
                ]), code: 201)
        }
        let given = body["continue"]?.string ?? ""
        let piece = try await Self.piece(of: cluster, spec: object.tree["spec"] ?? [:], name: name, after: given)
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterExport",
            "data": .string(Data(piece.bytes).base64EncodedString()), "volumes": .int(Int64(piece.volumes)),
        ]
        if let rest = piece.rest { answer["continue"] = .string(rest) }
        return WriteResult(.document(answer), code: 201)
    }

    private func goOn(_ id: String, _ context: RequestContext) async throws(StatusError) -> WriteResult {
        guard let export = try transfers.take(id, VolumeExport.self, by: context.user.name) else { throw VolumeTransfers.unknown }
        defer { transfers.giveBack(id) }
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterExport", "transfer": .string(id),
        ]
        do {
            let piece = try await export.next()
            answer["state"] = piece.isLast ? "Done" : piece.bytes.isEmpty ? "Stopping" : piece.isOfVolumes ? "Volumes" : "Objects"
            if !piece.bytes.isEmpty { answer["data"] = .string(Data(piece.bytes).base64EncodedString()) }
            if piece.isLast {
                let (without, leftOut) = export.remarks
                answer["volumes"] = .int(Int64(without))
                answer["leftOut"] = .int(Int64(leftOut))
                await transfers.end(id)
            }
        } catch {
            await transfers.end(id)
            throw error
        }
        return WriteResult(.document(answer), code: 201)
    }

    /// A virtual cluster with the logical one that is its own.
    static func cluster(
        _ namespace: String, _ name: String, _ context: RequestContext, _ store: Store
    ) async throws(StatusError) -> (object: Object, cluster: LogicalCluster) {
        let object = try ClusterExplainHandler.cluster(namespace, name, context)
        let logical = ClusterName.logical(namespace: namespace, name: name)
        let found: LogicalCluster?
        do { found = try await store.cluster(logical) } catch { throw .internalError("loading cluster \(logical): \(error)") }
        guard let found, found.uid == object.metadata.uid, object.metadata.deletionTimestamp == nil else {
            throw .notFound(Platform.virtualClusters, name)
        }
        return (object, found)
    }

    struct Piece {
        var bytes: [UInt8] = []
        /// Where the next one begins; nil after the last.
        var rest: String?
        /// Claims whose data isn't in the archive.
        var volumes = 0
    }

    /// - Parameter given: `REVISION:KEY`, the last key that is in the pieces before; empty for the first.
    static func piece(
        of cluster: LogicalCluster, spec: JSON, name: String, after given: String
    ) async throws(StatusError) -> Piece {
        var piece = Piece()
        let snapshot: Snapshot
        var header: ArchiveHeader?
        var last: Key?
        if given.isEmpty {
            snapshot = cluster.snapshot
            header = Self.header(of: cluster, snapshot, spec: spec, name: name)
        } else {
            let parts = given.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let revision = UInt64(parts[0]) else {
                throw .badRequest("continue isn't one that was given")
            }
            do { snapshot = try cluster.snapshot(at: revision) } catch {
                throw .expired("the cluster has changed too much since the export began: begin again")
            }
            last = Key(String(parts[1]))
        }
        piece.volumes = snapshot.count(prefix: Key.prefix(group: "", plural: "persistentvolumeclaims"))
        let (bytes, rest) = await objects(of: snapshot, header: header, after: last)
        piece.bytes = bytes
        piece.rest = rest.map { "\(snapshot.revision):\($0.text)" }
        return piece
    }

    static func header(of cluster: LogicalCluster, _ snapshot: Snapshot, spec: JSON, name: String) -> ArchiveHeader {
        ArchiveHeader(
            name: name, uid: cluster.uid, revision: snapshot.revision, objects: snapshot.count(prefix: ""), spec: spec,
            record: cluster.record, time: Timestamp.now())
    }

    /// A piece of an archive's objects.
    ///
    /// - Parameter header: begins the archive.
    /// - Returns: and the last key in it, when more follow.
    static func objects(
        of snapshot: Snapshot, header: ArchiveHeader?, after last: Key?
    ) async -> (bytes: [UInt8], rest: Key?) {
        var bytes: [UInt8] = []
        if let header {
            bytes = ArchiveFormat.start
            ArchiveFormat.frame(.header, header.tree.encoded(), to: &bytes)
        }
        var count = 0
        var end: Key?
        for (key, object) in snapshot.entries(prefix: "", after: last) {
            if let end { return (bytes, end) }
            ArchiveFormat.object(key.text, object.bytes, to: &bytes)
            if bytes.count >= pieceSize { end = key }
            count += 1
            if count % 256 == 0 { await Task.yield() }
        }
        return (bytes, nil)
    }
}
