import Crypto
import KubeObject
import KubeStore

/// An archive that was read, and found whole.
struct ClusterArchive: Sendable {
    let header: ArchiveHeader
    /// In key order; each as it was stored.
    let objects: [(key: Key, object: Object)]

    /// Reads an archive, every byte of which may be anybody's.
    init(parsing bytes: [UInt8]) async throws(ArchiveError) { try await self.init(parsing: ArchivePieces(bytes)) }

    /// Reads an archive that came in pieces, and lets go of each as soon as it can, if nobody else has them.
    ///
    /// Others get their turn while it is read.
    init(parsing pieces: consuming ArchivePieces) async throws(ArchiveError) {
        let start = ArchiveFormat.start
        guard pieces.starts(with: start) else {
            let isOther = pieces.starts(with: Array("SampanArchive/".utf8))
            throw ArchiveError(
                isOther ? "it is of a format that this version doesn't know" : "it isn't an archive of a cluster")
        }
        guard pieces.count <= ArchiveFormat.maximumSize else {
            throw ArchiveError("it is larger than \(ArchiveFormat.maximumSize) bytes")
        }
        // First of all, so that nothing is made of what was damaged.
        try await Self.checkDigest(pieces)
        _ = pieces.take(start.count)
        var cursor = ArchiveCursor(pieces: pieces)
        pieces = ArchivePieces(pieces: [])
        let first = try cursor.next()
        guard first.kind == .header else { throw ArchiveError("it doesn't begin with its header") }
        let header = try ArchiveHeader(parsing: first.payload)
        var objects: [(key: Key, object: Object)] = []
        while true {
            let (kind, payload) = try cursor.next()
            if kind == .end { break }
            guard kind == .object else { throw ArchiveError("it has two headers") }
            let entry = try Self.entry(payload[...])
            if let last = objects.last, !(last.key < entry.key) {
                throw ArchiveError("its objects aren't in order: \(entry.key.text.prefix(512))")
            }
            objects.append(entry)
            if objects.count % 256 == 0 { await Task.yield() }
        }
        guard cursor.isAtEnd else { throw ArchiveError("something follows its end") }
        guard objects.count == header.objects else {
            throw ArchiveError("its header tells of \(header.objects) objects, and it has \(objects.count)")
        }
        self.header = header
        self.objects = objects
    }

    private static func checkDigest(_ pieces: borrowing ArchivePieces) async throws(ArchiveError) {
        let frame = ArchiveFormat.frameHead + SHA256.byteCount
        guard pieces.count >= frame else { throw ArchiveError("it is cut off") }
        var hash = SHA256()
        pieces.forEach(except: frame) { hash.update(bufferPointer: $0) }
        await Task.yield()
        var expected: [UInt8] = []
        ArchiveFormat.frame(.end, Array(hash.finalize()), to: &expected)
        guard pieces.suffix(frame) == expected else {
            throw ArchiveError("it is cut off or damaged: its checksum isn't that of its content")
        }
    }

    private static func entry(_ payload: ArraySlice<UInt8>) throws(ArchiveError) -> (key: Key, object: Object) {
        guard payload.count >= 2 else { throw ArchiveError("an object has no key") }
        let length = Int(payload[payload.startIndex]) << 8 | Int(payload[payload.startIndex + 1])
        let rest = payload.dropFirst(2)
        guard (1...ArchiveFormat.maximumKey).contains(length), rest.count >= length,
            let text = String(validating: rest.prefix(length), as: UTF8.self)
        else { throw ArchiveError("an object has no key, or one that can't be read") }
        let bytes = Array(rest.dropFirst(length))
        do {
            let object = try Object(bytes: bytes)
            // What is stored is what this server would write: whatever reads it relies on that.
            guard try Draft(object.passingTree).sealed(resourceVersion: object.metadata.resourceVersion).bytes == bytes else {
                throw ObjectError("it isn't written as Sampan writes objects")
            }
            return (Key(text), object)
        } catch {
            throw ArchiveError("the object \(text.prefix(512)) can't be read: \(error)")
        }
    }
}

/// A place in an archive's frames.
struct ArchiveCursor {
    private var pieces: ArchivePieces

    init(pieces: consuming ArchivePieces) { self.pieces = pieces }

    var isAtEnd: Bool { pieces.count == 0 }

    mutating func next() throws(ArchiveError) -> (kind: ArchiveFormat.Kind, payload: [UInt8]) {
        guard let head = pieces.take(ArchiveFormat.frameHead) else { throw ArchiveError("it is cut off") }
        guard let kind = ArchiveFormat.Kind(rawValue: head[0]) else {
            throw ArchiveError("it has a frame of an unknown kind")
        }
        let length = head[1...].reduce(0) { $0 << 8 | Int($1) }
        guard length <= kind.maximum else { throw ArchiveError("it has a frame that is too long") }
        guard let payload = pieces.take(length) else { throw ArchiveError("it is cut off") }
        return (kind, payload)
    }
}
