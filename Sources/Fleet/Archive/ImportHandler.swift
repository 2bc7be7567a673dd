import Foundation
import KubeAPI
public import KubeObject
public import KubeRegistry
import KubeStore

/// Answers `virtualclusters/NAME/import`, which makes the cluster NAME of an archive that is sent in pieces: each with `data` and where it begins, the
/// last one with `finish`. Nothing is there before the archive was read and checked as a whole. What the archive has of volumes comes after the rest, in
/// pieces that say so by `withVolumes`.
public struct ImportHandler: SubresourceHandler {
    private let clusters: ArchivedClusters
    private let transfers: VolumeTransfers
    private let uploads = ImportUploads()

    /// - Parameters:
    ///   - clusters: makes them.
    ///   - transfers: those with volumes' data.
    public init(_ clusters: ArchivedClusters, transfers: VolumeTransfers) {
        self.clusters = clusters
        self.transfers = transfers
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let user = context.user.name
        var id = body["upload"]?.string ?? ""
        var size = Int(clamping: body["offset"]?.int ?? 0)
        var bytes: [UInt8] = []
        if let text = body["data"]?.string, !text.isEmpty {
            guard let data = Data(base64Encoded: text) else { throw .badRequest("data isn't base64") }
            bytes = [UInt8](data)
        }
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterImport", "upload": .string(id),
        ]
        if body["withVolumes"]?.bool == true {
            try await volumes(
                bytes, at: size, of: id, finish: body["finish"]?.bool == true, &answer, options, context
            ) { () async throws(StatusError) -> ArchivedClusters.Wanted in
                try await self.wanted(try uploads.take(id, user: user), namespace: namespace, name: name)
            }
            return WriteResult(.document(answer), code: 201)
        }
        if !bytes.isEmpty { (id, size) = try uploads.add(bytes, to: id, at: size, user: user) }
        answer["upload"] = .string(id)
        answer["offset"] = .int(Int64(size))
        guard body["finish"]?.bool == true else { return WriteResult(.document(answer), code: 201) }
        let wanted = try await self.wanted(try uploads.take(id, user: user), namespace: namespace, name: name)
        answer["cluster"] = .string(try await clusters.make(wanted, options, context)[path: "metadata", "uid"]?.string ?? "")
        answer["objects"] = .int(Int64(wanted.objects.count))
        answer["volumes"] = .int(Int64(ClaimedVolumes(wanted.objects).claims))
        return WriteResult(.document(answer), code: 201)
    }

    private func wanted(
        _ pieces: consuming ArchivePieces, namespace: String, name: String
    ) async throws(StatusError) -> ArchivedClusters.Wanted {
        let archive: ClusterArchive
        do { archive = try await ClusterArchive(parsing: pieces) } catch {
            throw .badRequest("the archive can't be used: \(error)")
        }
        let record: JSON
        do {
            // Read and written anew: a record has nothing in it that this server doesn't know.
            record = try ClusterIdentity(record: archive.header.record).record()
        } catch {
            throw .badRequest("the archive can't be used: its keys can't be read: \(error)")
        }
        return ArchivedClusters.Wanted(
            namespace: namespace, name: name, spec: archive.header.spec, record: record, objects: archive.objects,
            revision: archive.header.revision, origin: .archive)
    }

    /// Takes a piece of the volumes, after everything else has come.
    private func volumes(
        _ bytes: [UInt8], at offset: Int, of id: String, finish: Bool, _ answer: inout JSON, _ options: CreateOptions,
        _ context: RequestContext, wanted: () async throws(StatusError) -> ArchivedClusters.Wanted
    ) async throws(StatusError) {
        let user = context.user.name
        var found = try transfers.take(id, VolumeImport.self, by: user)
        if found == nil {
            _ = try transfers.volumes()
            let prepared = try await clusters.prepare(try await wanted(), context)
            let new = try VolumeImport(clusters, transfers, prepared)
            do { _ = try transfers.begin(new, as: id, by: user) } catch {
                await new.end()
                throw error
            }
            found = try transfers.take(id, VolumeImport.self, by: user)
        }
        guard let found else { throw VolumeTransfers.unknown }
        defer { transfers.giveBack(id) }
        do {
            answer["offset"] = .int(Int64(try await found.add(bytes, at: offset)))
            guard finish else { return }
            answer["cluster"] = .string(try await found.finish(options, context)[path: "metadata", "uid"]?.string ?? "")
            answer["objects"] = .int(Int64(found.objects))
            answer["volumes"] = .int(Int64(found.without))
            await transfers.end(id)
        } catch {
            await transfers.end(id)
            throw error
        }
    }
}
