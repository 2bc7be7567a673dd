import Foundation
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/export`: a piece of the cluster's archive at a time, all of one revision. Nothing is kept between pieces: the
/// revision is in `continue`, and is as far back as the cluster's event log reaches.
///
/// Who may ask has the cluster's keys afterwards: `create` on `virtualclusters/export`.
public struct ExportHandler: SubresourceHandler {
    /// A piece ends with the object that brings it to this many bytes.
    static let pieceSize = 2 << 20

    private let store: Store

    /// - Parameter store: where the clusters are.
    public init(store: Store) { self.store = store }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let (object, cluster) = try await Self.cluster(namespace, name, context, store)
        let given = body["continue"]?.string ?? ""
        let piece = try await Self.piece(of: cluster, spec: object.tree["spec"] ?? [:], name: name, after: given)
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterExport",
            "data": .string(Data(piece.bytes).base64EncodedString()), "volumes": .int(Int64(piece.volumes)),
        ]
        if let rest = piece.rest { answer["continue"] = .string(rest) }
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
        var last: Key?
        if given.isEmpty {
            snapshot = cluster.snapshot
            piece.bytes = ArchiveFormat.start
            let header = ArchiveHeader(
                name: name, uid: cluster.uid, revision: snapshot.revision, objects: snapshot.count(prefix: ""), spec: spec,
                record: cluster.record, time: Timestamp.now())
            ArchiveFormat.frame(.header, header.tree.encoded(), to: &piece.bytes)
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
        var count = 0
        var end: Key?
        for (key, object) in snapshot.entries(prefix: "", after: last) {
            if let end {
                piece.rest = "\(snapshot.revision):\(end.text)"
                break
            }
            ArchiveFormat.object(key.text, object.bytes, to: &piece.bytes)
            if piece.bytes.count >= pieceSize { end = key }
            count += 1
            if count % 256 == 0 { await Task.yield() }
        }
        return piece
    }
}
