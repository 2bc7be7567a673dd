import Crypto
import Foundation
import GRDB
import KubeObject

/// Copies of a whole store: taken while it is in use, by this process or another one, checked, and made a store again.
///
/// A copy is one database file of one moment. What is encrypted in the store is encrypted in it, and the clusters' keys are in it as in the
/// store, wrapped; the platform's keys, with which they are, aren't.
public enum StoreBackup {
    /// Whose revisions go on from so much further in a store that was made from a copy: whoever saw more than the copy has is told to list again.
    public static let revisionGap: UInt64 = 1_000_000

    /// Copies the store in `directory` to a new file. Blocks for as long as it takes to read and write all of it; commits go on.
    ///
    /// - Throws: `.unavailable` or `.diskFull`; then there is no file.
    public static func copy(store directory: String, to path: String) throws(StoreError) {
        let source = directory + "/store.sqlite"
        guard FileManager.default.fileExists(atPath: source) else { throw .unavailable("there is no store in \(directory)") }
        guard !FileManager.default.fileExists(atPath: path) else { throw .unavailable("there is a file \(path) already") }
        // The file gets its mode before there is anything in it.
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw .unavailable("\(path) can't be made; is its directory there and writable?")
        }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(30)
            let database = try DatabaseQueue(path: source, configuration: configuration)
            // One read transaction, so one moment; the log isn't reset meanwhile, and nobody waits.
            try database.inDatabase { db in try db.execute(sql: "VACUUM INTO ?", arguments: [path]) }
            try database.close()
            // A log of its own would be a second file.
            let copy = try DatabaseQueue(path: path)
            try copy.inDatabase { db in _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
            try synchronize(path)
        } catch {
            do { try FileManager.default.removeItem(atPath: path) } catch {
                throw .unavailable("removing the unfinished \(path): \(error)")
            }
            throw StoreError(storage: error)
        }
    }

    /// What is in a copy.
    public struct Contents: Sendable, Equatable {
        public var clusters = 0
        /// Deleted ones that are kept.
        public var retired = 0
        public var objects = 0
        /// The ids of the platform's keys, of which each is needed.
        public var platformKeys: [String] = []
        /// Whether what is encrypted was opened, too.
        public var isDecrypted = false
        /// The clusters' revisions, by their numbers.
        var revisions: [Int64: UInt64] = [:]
    }

    /// Reads all of a copy. Blocks.
    ///
    /// - Parameter keys: the file of the platform's keys; without it what is encrypted isn't opened.
    /// - Throws: `.unavailable` with what is wrong with it.
    public static func check(_ path: String, keys: String?) throws(StoreError) -> Contents {
        let platformKeys = try keys.map { (file) throws(StoreError) in try PlatformKeys.load(file) }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let database = try DatabaseQueue(path: path, configuration: configuration)
            let contents = try database.inDatabase { db in try check(db, platformKeys) }
            try database.close()
            return contents
        } catch {
            throw StoreError(storage: error)
        }
    }

    private static func check(_ db: Database, _ keys: PlatformKeys?) throws -> Contents {
        guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == SQLiteSchema.applicationID else {
            throw StoreError.unavailable("it isn't the copy of a store")
        }
        let format = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard format == SQLiteSchema.version else {
            throw StoreError.unavailable(
                "it was written by another release (format \(format), known \(SQLiteSchema.version)); use that release")
        }
        let complaints = try String.fetchAll(db, sql: "PRAGMA integrity_check(5)")
        guard complaints == ["ok"] else {
            throw StoreError.unavailable("the file is damaged: \(complaints.joined(separator: "; "))")
        }
        var contents = Contents(isDecrypted: keys != nil)
        contents.platformKeys = try String.fetchAll(db, sql: "SELECT DISTINCT platformKey FROM clusterKeys ORDER BY platformKey")
        contents.retired = try Int.fetchOne(db, sql: "SELECT count(*) FROM retired") ?? 0
        let bases = Set(try Int64.fetchAll(db, sql: "SELECT id FROM bases"))
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT id, name, base, revision, records.value, clusterKeys.platformKey, clusterKeys.value
                FROM clusters LEFT JOIN records ON records.cluster = id LEFT JOIN clusterKeys ON clusterKeys.cluster = id
                """)
        {
            let (id, name, base, revision): (Int64, String, Int64, Int64) = (row[0], row[1], row[2], row[3])
            guard bases.contains(base), let record: Data = row[4], let keyID: String = row[5], let wrapped: Data = row[6] else {
                throw StoreError.unavailable("of cluster \(name) the base, the record or the key is missing")
            }
            let key = try keys.map { try SQLiteEngine.unwrap(wrapped, wrappedWith: keyID, cluster: id, $0) }
            if let key { _ = try key.opened(record, at: EncryptedRows.place(recordOf: id)) }
            contents.revisions[id] = max(UInt64(clamping: revision), try check(objectsOf: id, key, &contents.objects, db))
            contents.clusters += 1
        }
        contents.clusters -= contents.retired
        return contents
    }

    /// - Returns: the greatest revision of the objects.
    private static func check(
        objectsOf cluster: Int64, _ key: ClusterKey?, _ count: inout Int, _ db: Database
    ) throws -> UInt64 {
        var greatest: UInt64 = 0
        let rows = try Row.fetchCursor(db, sql: "SELECT key, value FROM objects WHERE cluster = ?", arguments: [cluster])
        while let row = try rows.next() {
            let name: String = row[0]
            guard let value: Data = row[1] else { continue }
            count += 1
            if EncryptedRows.isSecret(name), key == nil { continue }
            let bytes =
                EncryptedRows.isSecret(name)
                ? try key?.opened(value, at: EncryptedRows.place(cluster, name)) ?? [] : [UInt8](value)
            greatest = max(greatest, try SQLiteEngine.object(bytes, name).metadata.resourceVersion)
        }
        return greatest
    }

    /// Makes a store of a copy in a directory that has none. All or nothing: the database gets its name last.
    ///
    /// - Parameter keys: the file of the platform's keys.
    /// - Throws: `.unavailable` when the copy isn't good, the keys are others, or there is a store already.
    public static func restore(_ path: String, keys: String, to directory: String) throws(StoreError) -> Contents {
        let target = directory + "/store.sqlite"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .unavailable("making the directory \(directory): \(error.localizedDescription)")
        }
        let lock = try DirectoryLock(directory: directory)
        defer { lock.release() }
        guard !FileManager.default.fileExists(atPath: target) else {
            throw .unavailable("there is a store in \(directory) already")
        }
        let contents = try check(path, keys: keys)
        let temporary = target + ".restoring"
        do {
            for file in [temporary, PlatformKeys.path(in: directory)] where FileManager.default.fileExists(atPath: file) {
                // Of a restore that was interrupted: without the database nothing was begun with them.
                try FileManager.default.removeItem(atPath: file)
            }
            try FileManager.default.copyItem(atPath: path, toPath: temporary)
            try FileManager.default.copyItem(atPath: keys, toPath: PlatformKeys.path(in: directory))
            for file in [temporary, PlatformKeys.path(in: directory)] {
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            }
            let database = try DatabaseQueue(path: temporary)
            try database.inDatabase { db in
                try db.inTransaction {
                    for (id, revision) in contents.revisions {
                        try db.execute(
                            sql: "UPDATE clusters SET revision = ? WHERE id = ?",
                            arguments: [Int64(clamping: revision + revisionGap), id])
                    }
                    return .commit
                }
            }
            try database.close()
            try synchronize(PlatformKeys.path(in: directory))
            try synchronize(temporary)
            guard rename(temporary, target) == 0 else {
                throw StoreError.unavailable("renaming \(temporary): \(String(cString: strerror(errno)))")
            }
            try synchronize(directory)
        } catch {
            throw StoreError(storage: error)
        }
        return contents
    }

    /// The SHA-256 of a file, in hexadecimal.
    public static func digest(_ path: String) throws(StoreError) -> String {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            var hash = SHA256()
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
            try file.close()
            return hash.finalize().map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        } catch {
            throw .unavailable("reading \(path): \(error.localizedDescription)")
        }
    }

    /// Has a file, or a directory's entries, on the disk.
    public static func synchronize(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unavailable("opening \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unavailable("synchronising \(path): \(String(cString: strerror(errno)))") }
    }
}
