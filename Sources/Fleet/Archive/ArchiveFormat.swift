import Crypto
import KubeObject

/// The one file that holds a cluster: a line that says what it is, then frames, the last of which has the checksum of everything before it.
///
///     SampanArchive/1\n
///     frame: kind (1 byte) · length of what follows (4 bytes, big endian) · payload
///       H  the header, JSON: once, first
///       O  an object: length of its key (2 bytes, big endian) · key · the object as it is stored; in key order
///       E  SHA-256 of every byte before this frame: once, last
///
/// It can be written and checked while it streams. It isn't compressed, so that no archive becomes more than it is. The data in volumes may follow
/// it in the same file; that is another stream (`SampanVolumes`), which is never in memory as a whole.
public enum ArchiveFormat {
    /// What it begins with; another number is another format.
    public static let start = Array("SampanArchive/1\n".utf8)
    /// Of a whole archive, in bytes.
    public static let maximumSize = 256 << 20
    static let maximumHeader = 1 << 20
    /// Objects are bounded by requests' bodies; managedFields come on top.
    static let maximumObject = 16 << 20
    static let maximumKey = 2_048

    /// What comes before a frame's payload: its kind, and the length (4 bytes, big endian).
    public static let frameHead = 5

    /// Whether a frame of this kind ends the archive. Volumes may follow, as a stream with an end of its own.
    public static func isEnd(_ kind: UInt8) -> Bool { kind == Kind.end.rawValue }

    enum Kind: UInt8, Sendable {
        case header = 0x48
        case object = 0x4F
        case end = 0x45

        var maximum: Int {
            switch self {
            case .header: maximumHeader
            case .object: 2 + maximumKey + maximumObject
            case .end: SHA256.byteCount
            }
        }
    }

    static func frame(_ kind: Kind, _ payload: [UInt8], to output: inout [UInt8]) {
        output.append(kind.rawValue)
        withUnsafeBytes(of: UInt32(clamping: payload.count).bigEndian) { output.append(contentsOf: $0) }
        output += payload
    }

    static func object(_ key: String, _ bytes: [UInt8], to output: inout [UInt8]) {
        let name = Array(key.utf8)
        var payload: [UInt8] = []
        payload.reserveCapacity(2 + name.count + bytes.count)
        withUnsafeBytes(of: UInt16(clamping: name.count).bigEndian) { payload.append(contentsOf: $0) }
        payload += name
        payload += bytes
        frame(.object, payload, to: &output)
    }

    /// Goes along with an archive that is being written, and ends it.
    public struct Digest: Sendable {
        private var hash = SHA256()

        public init() {}

        public mutating func update(_ bytes: [UInt8]) { hash.update(data: bytes) }

        /// The frame that ends the archive.
        public func end() -> [UInt8] {
            var output: [UInt8] = []
            frame(.end, Array(hash.finalize()), to: &output)
            return output
        }
    }
}

extension ArchiveFormat {
    /// How many bytes of an archive are enough for `name`.
    public static var headSize: Int { start.count + 5 + maximumHeader }

    /// What the cluster was called whose archive begins with these bytes.
    ///
    /// - Throws: when it doesn't begin as an archive does.
    public static func name(in head: [UInt8]) throws(ArchiveError) -> String {
        guard head.starts(with: start) else { throw ArchiveError("it isn't an archive of a cluster, or one of another format") }
        var cursor = ArchiveCursor(pieces: ArchivePieces(Array(head[start.count...])))
        let (kind, payload) = try cursor.next()
        guard kind == .header else { throw ArchiveError("it doesn't begin with its header") }
        return try ArchiveHeader(parsing: payload).name
    }
}

/// Why an archive can't be used.
public struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// What an archive says of its cluster as a whole.
struct ArchiveHeader: Sendable {
    var name: String
    var uid: String
    var revision: UInt64
    var objects: Int
    /// The virtual cluster's.
    var spec: JSON
    /// The cluster's private record: its authorities' keys.
    var record: JSON
    var time: String

    init(name: String, uid: String, revision: UInt64, objects: Int, spec: JSON, record: JSON, time: String) {
        self.name = name
        self.uid = uid
        self.revision = revision
        self.objects = objects
        self.spec = spec
        self.record = record
        self.time = time
    }

    var tree: JSON {
        [
            "name": .string(name), "uid": .string(uid), "revision": .string(String(revision)), "objects": .int(Int64(objects)),
            "spec": spec, "record": record, "time": .string(time),
        ]
    }

    init(parsing bytes: [UInt8]) throws(ArchiveError) {
        let tree: JSON
        do { tree = try JSON(parsing: bytes) } catch { throw ArchiveError("its header isn't JSON: \(error)") }
        guard let name = tree["name"]?.string, let uid = tree["uid"]?.string, let time = tree["time"]?.string,
            let revision = (tree["revision"]?.string).flatMap({ UInt64($0) }), let count = tree["objects"]?.int,
            let objects = Int(exactly: count), objects >= 0, let spec = tree["spec"], spec.object != nil,
            let record = tree["record"], record.object != nil
        else { throw ArchiveError("its header lacks something, or has something of a wrong type") }
        self.init(name: name, uid: uid, revision: revision, objects: objects, spec: spec, record: record, time: time)
    }
}
