import KubeObject
import KubeRegistry
import Synchronization

/// Archives that are being sent, in pieces, since a request's body is small. They are in memory only: with the server they are gone, and the sender
/// is told. Few, and bounded together; what nobody has sent to for some minutes goes when the next one comes.
///
/// Concurrency: any task.
final class ImportUploads: Sendable {
    static let maximumCount = 8
    /// Of one user, so that nobody keeps all others from importing.
    static let maximumOfUser = 2
    static let maximumBytes = 512 << 20
    private static let patience: Duration = .seconds(300)

    private struct Upload {
        var user: String
        var pieces: [[UInt8]] = []
        var size = 0
        var lastUse: ContinuousClock.Instant
    }

    private let uploads = Mutex<[String: Upload]>([:])

    /// Adds a piece to an upload, or begins one.
    ///
    /// - Parameters:
    ///   - id: empty for a new one.
    ///   - offset: where the piece belongs: what came before is there once, however often it was sent.
    /// - Returns: the upload, and how much of it is there.
    func add(_ piece: [UInt8], to id: String, at offset: Int, user: String) throws(StatusError) -> (id: String, size: Int) {
        let now = ContinuousClock.now
        let result = uploads.withLock { uploads -> Result<(String, Int), StatusError> in
            for (old, upload) in uploads where upload.lastUse + Self.patience < now { uploads[old] = nil }
            var id = id
            if id.isEmpty {
                let own = uploads.values.count { $0.user == user }
                guard uploads.count < Self.maximumCount, own < Self.maximumOfUser else {
                    return .failure(.tooManyRequests("other archives are being imported; try again", retryAfterSeconds: 10))
                }
                id = Identifiers.uid()
                uploads[id] = Upload(user: user, lastUse: now)
            }
            guard var upload = uploads[id], upload.user == user else { return .failure(Self.unknown) }
            guard upload.size == offset else { return .success((id, upload.size)) }
            let all = uploads.values.reduce(0) { $0 + $1.size }
            guard upload.size + piece.count <= ArchiveFormat.maximumSize else {
                return .failure(.requestEntityTooLarge("an archive may have \(ArchiveFormat.maximumSize) bytes"))
            }
            guard all + piece.count <= Self.maximumBytes else {
                return .failure(.tooManyRequests("other archives are being imported; try again", retryAfterSeconds: 10))
            }
            // Out of the dictionary while it changes, so that nothing is copied.
            uploads[id] = nil
            upload.pieces.append(piece)
            upload.size += piece.count
            upload.lastUse = now
            uploads[id] = upload
            return .success((id, upload.size))
        }
        return try result.get()
    }

    /// The whole of an upload in its pieces, which is over with that.
    func take(_ id: String, user: String) throws(StatusError) -> ArchivePieces {
        let upload = uploads.withLock { uploads -> Upload? in
            guard uploads[id]?.user == user else { return nil }
            return uploads.removeValue(forKey: id)
        }
        guard let upload else { throw Self.unknown }
        return ArchivePieces(pieces: upload.pieces)
    }

    private static let unknown = StatusError.expired(
        "nothing is known of this import: the server was started anew, or it was left alone for too long; begin again")
}
