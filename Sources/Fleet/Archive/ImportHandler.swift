import Foundation
import KubeAPI
public import KubeObject
public import KubeRegistry
import KubeStore

/// Answers `virtualclusters/NAME/import`, which makes the cluster NAME of an archive that is sent in pieces: each with `data` and where it begins, the
/// last one with `finish`. Nothing is there before the archive was read and checked as a whole.
public struct ImportHandler: SubresourceHandler {
    private let clusters: ArchivedClusters
    private let uploads = ImportUploads()

    /// - Parameter clusters: makes them.
    public init(_ clusters: ArchivedClusters) { self.clusters = clusters }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let user = context.user.name
        var id = body["upload"]?.string ?? ""
        var size = Int(clamping: body["offset"]?.int ?? 0)
        if let text = body["data"]?.string, !text.isEmpty {
            guard let data = Data(base64Encoded: text) else { throw .badRequest("data isn't base64") }
            (id, size) = try uploads.add([UInt8](data), to: id, at: size, user: user)
        }
        var answer: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "ClusterImport", "upload": .string(id),
            "offset": .int(Int64(size)),
        ]
        guard body["finish"]?.bool == true else { return WriteResult(.document(answer), code: 201) }
        let bytes = try uploads.take(id, user: user)
        let archive: ClusterArchive
        do { archive = try await ClusterArchive(parsing: bytes) } catch {
            throw .badRequest("the archive can't be used: \(error)")
        }
        let record: JSON
        do {
            // Read and written anew: a record has nothing in it that this server doesn't know.
            record = try ClusterIdentity(record: archive.header.record).record()
        } catch {
            throw .badRequest("the archive can't be used: its keys can't be read: \(error)")
        }
        let wanted = ArchivedClusters.Wanted(
            namespace: namespace, name: name, spec: archive.header.spec, record: record, objects: archive.objects,
            revision: archive.header.revision, origin: .archive)
        answer["cluster"] = .string(try await clusters.make(wanted, options, context)[path: "metadata", "uid"]?.string ?? "")
        answer["objects"] = .int(Int64(archive.objects.count))
        return WriteResult(.document(answer), code: 201)
    }
}
