import Crypto
import KubeObject
import KubeStore

/// An archive that was read, and found whole.
struct ClusterArchive: Sendable {
    let header: ArchiveHeader
    /// In key order; each as it was stored.
    let objects: [(key: Key, object: Object)]

    /// Reads an archive, every byte of which may be anybody's.
    ///
    /// Others get their turn while it is read.
    init(parsing bytes: [UInt8]) async throws(ArchiveError) {
        let start = ArchiveFormat.start
        guard bytes.starts(with: start) else {
            let isOther = bytes.starts(with: Array("SampanArchive/".utf8))
            throw ArchiveError(
                isOther ? "it is of a format that this version doesn't know" : "it isn't an archive of a cluster")
        }
        guard bytes.count <= ArchiveFormat.maximumSize else {
            throw ArchiveError("it is larger than \(ArchiveFormat.maximumSize) bytes")
        }
        // First of all, so that nothing is made of what was damaged.
        try Self.checkDigest(bytes)
        var cursor = ArchiveCursor(bytes: bytes, position: start.count)
        let first = try cursor.next()
        guard first.kind == .header else { throw ArchiveError("it doesn't begin with its header") }
        let header = try ArchiveHeader(parsing: Array(first.payload))
        var objects: [(key: Key, object: Object)] = []
        while true {
            let (kind, payload) = try cursor.next()
            if kind == .end { break }
            guard kind == .object else { throw ArchiveError("it has two headers") }
            let entry = try Self.entry(payload)
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

    private static func checkDigest(_ bytes: [UInt8]) throws(ArchiveError) {
        let frame = 5 + SHA256.byteCount
        guard bytes.count >= ArchiveFormat.start.count + frame else { throw ArchiveError("it is cut off") }
        let body = bytes[..<(bytes.count - frame)]
        var hash = SHA256()
        body.withUnsafeBytes { hash.update(bufferPointer: $0) }
        var expected: [UInt8] = []
        ArchiveFormat.frame(.end, Array(hash.finalize()), to: &expected)
        guard bytes[body.endIndex...].elementsEqual(expected) else {
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
    let bytes: [UInt8]
    var position: Int

    var isAtEnd: Bool { position == bytes.count }

    mutating func next() throws(ArchiveError) -> (kind: ArchiveFormat.Kind, payload: ArraySlice<UInt8>) {
        guard bytes.count - position >= 5 else { throw ArchiveError("it is cut off") }
        guard let kind = ArchiveFormat.Kind(rawValue: bytes[position]) else {
            throw ArchiveError("it has a frame of an unknown kind")
        }
        let length = bytes[(position + 1)..<(position + 5)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= kind.maximum else { throw ArchiveError("it has a frame that is too long") }
        guard bytes.count - position - 5 >= length else { throw ArchiveError("it is cut off") }
        let start = position + 5
        position = start + length
        return (kind, bytes[start..<position])
    }
}
