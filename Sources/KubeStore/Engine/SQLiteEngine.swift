import Dispatch
import Foundation
import GRDB
import KubeObject
import Synchronization

/// The embedded engine: one SQLite database with a write-ahead log, every commit flushed to the disk before it returns.
///
/// Four connections: the writer's, two for loading clusters, and one that copies the write-ahead log into the database
/// file in the background, so that commits seldom wait for it.
final class SQLiteEngine: StoreEngine {
    private let writer: DatabaseQueue
    private let readers: [DatabaseQueue]
    private let nextReader = Atomic<Int>(0)
    private let checkpointer: DatabaseQueue
    private let codec: any ValueCodec = PlainCodec()
    private let log = Mutex(LogState())
    private let decoding = DispatchQueue(label: "store-decoding", attributes: .concurrent)

    private struct LogState {
        /// About how many bytes were appended to the log since the last checkpoint began.
        var appended = 0
        var isCheckpointing = false
        /// The log outgrew what background checkpoints can keep up with.
        var mustRestart = false
        var isClosed = false
    }

    /// A background checkpoint begins when about this much was appended.
    private static let checkpointBytes = 4 << 20
    /// When the log has more frames than this, the writer itself finishes the checkpoint, so that the log starts over:
    /// flushing what overwrites an old log takes half the time of flushing what makes it longer.
    private static let restartFrames = 2_048

    /// Opens the database `store.sqlite` in a directory, and makes it when there is none.
    init(directory: String, maximumPages: Int? = nil) throws(StoreError) {
        let path = directory + "/store.sqlite"
        // SQLite gives its other files the mode of this one. Records hold keys: they are for nobody else.
        if !FileManager.default.fileExists(atPath: path),
            !FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        {
            throw .unavailable("creating \(path) failed; is the directory writable?")
        }
        do {
            writer = try SQLiteEngine.connect(path, cachePages: 8_192)
            try writer.inDatabase { db in
                if let maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
                try SQLiteSchema.prepare(db)
            }
            readers = [try SQLiteEngine.connect(path), try SQLiteEngine.connect(path)]
            checkpointer = try SQLiteEngine.connect(path)
        } catch {
            throw StoreError(storage: error)
        }
    }

    private static func connect(_ path: String, cachePages: Int = 512) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // The page size counts only when the file is new.
            try db.execute(
                sql: """
                    PRAGMA page_size = 8192;
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA journal_size_limit = 67108864;
                    PRAGMA cache_size = \(cachePages);
                    PRAGMA temp_store = MEMORY;
                    """)
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func contents() throws(StoreError) -> EngineContents {
        do {
            return try writer.inDatabase { db in
                var contents = EngineContents()
                // Bases that no cluster uses any more are of no use to anybody.
                try db.execute(
                    sql: """
                        DELETE FROM baseObjects WHERE base NOT IN (SELECT base FROM clusters);
                        DELETE FROM bases WHERE id NOT IN (SELECT base FROM clusters);
                        """)
                let clusters = try Row.fetchCursor(db, sql: "SELECT id, name, uid FROM clusters ORDER BY id")
                while let row = try clusters.next() {
                    contents.clusters.append(ClusterInfo(id: row[0], name: row[1], uid: row[2]))
                }
                for row in try Row.fetchAll(db, sql: "SELECT id, version FROM bases") {
                    let id: Int64 = row[0]
                    contents.bases[id] = Base(version: row[1], stored: try baseObjects(db, id))
                }
                let retired = try Int64.fetchOne(db, sql: "SELECT value FROM counters WHERE name = 'cluster'") ?? 1
                contents.nextCluster = max(retired, (contents.clusters.last?.id ?? 0) + 1)
                contents.hasGarbage = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM garbage)") ?? false
                return contents
            }
        } catch {
            throw StoreError(storage: error)
        }
    }

    private func baseObjects(_ db: Database, _ id: Int64) throws -> [(key: String, object: Object)] {
        try Row.fetchAll(db, sql: "SELECT key, value FROM baseObjects WHERE base = ? ORDER BY key", arguments: [id]).map {
            row in
            let key: String = row[0]
            let data: Data = row[1]
            return (key, try SQLiteEngine.object(try codec.opened([UInt8](data), key: key), key))
        }
    }

    func commit(_ batch: EngineBatch) throws(StoreError) {
        do {
            try writer.inDatabase { db in
                try db.inTransaction(.immediate) {
                    try write(batch, db)
                    return .commit
                }
            }
        } catch {
            throw StoreError(storage: error)
        }
        noteAppended(batch.rows.reduce(8_192 * 2) { $0 + 4_096 + $1.size })
    }

    private func write(_ batch: EngineBatch, _ db: Database) throws {
        for (id, base) in batch.bases { try write(base, id, db) }
        if !batch.created.isEmpty {
            let cluster = try db.cachedStatement(
                sql: "INSERT INTO clusters (id, name, uid, base, revision) VALUES (?, ?, ?, ?, ?)")
            let record = try db.cachedStatement(sql: "INSERT INTO records (cluster, value) VALUES (?, ?)")
            for created in batch.created {
                let info = created.info
                try cluster.execute(
                    arguments: [info.id, info.name, info.uid, created.base, Int64(clamping: created.revision)])
                try record.execute(arguments: [info.id, Data(created.record.encoded())])
            }
        }
        if !batch.rows.isEmpty {
            let put = try db.cachedStatement(
                sql: """
                    INSERT INTO objects (cluster, key, value) VALUES (?, ?, ?)
                    ON CONFLICT (cluster, key) DO UPDATE SET value = excluded.value
                    """)
            let remove = try db.cachedStatement(sql: "DELETE FROM objects WHERE cluster = ? AND key = ?")
            for row in batch.rows {
                switch row.change {
                case .put(let bytes):
                    let value = Data(try codec.sealed(bytes, key: row.key))
                    try put.execute(arguments: [row.cluster, row.key, value])
                case .tombstone: try put.execute(arguments: [row.cluster, row.key, nil])
                case .remove: try remove.execute(arguments: [row.cluster, row.key])
                }
            }
        }
        if !batch.revisions.isEmpty {
            let revise = try db.cachedStatement(sql: "UPDATE clusters SET revision = ? WHERE id = ?")
            for (id, revision) in batch.revisions { try revise.execute(arguments: [Int64(clamping: revision), id]) }
        }
        if !batch.records.isEmpty {
            let record = try db.cachedStatement(sql: "UPDATE records SET value = ? WHERE cluster = ?")
            for (id, value) in batch.records { try record.execute(arguments: [Data(value.encoded()), id]) }
        }
        for id in batch.deleted { try delete(id, db) }
    }

    private func write(_ base: Base, _ id: Int64, _ db: Database) throws {
        try db.execute(sql: "INSERT INTO bases (id, version) VALUES (?, ?)", arguments: [id, base.version])
        let put = try db.cachedStatement(sql: "INSERT INTO baseObjects (base, key, value) VALUES (?, ?, ?)")
        for entry in base.map.entries(from: 0, count: base.map.count) {
            let value = Data(try codec.sealed(entry.value.bytes, key: entry.key))
            try put.execute(arguments: [id, entry.key, value])
        }
    }

    private func delete(_ id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM clusters WHERE id = ?").execute(arguments: [id])
        try db.cachedStatement(sql: "DELETE FROM records WHERE cluster = ?").execute(arguments: [id])
        try db.cachedStatement(sql: "INSERT INTO garbage (cluster) VALUES (?)").execute(arguments: [id])
        // Ids are for ever: the next one is above every one that ever was.
        try db.cachedStatement(
            sql: """
                INSERT INTO counters (name, value) VALUES ('cluster', ?)
                ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
                """
        ).execute(arguments: [id + 1])
    }

    func purge(limit: Int) throws(StoreError) -> Bool {
        do {
            return try writer.inDatabase { db in
                var remaining = limit
                try db.inTransaction(.immediate) {
                    while remaining > 0, let id = try Int64.fetchOne(db, sql: "SELECT cluster FROM garbage LIMIT 1") {
                        try db.cachedStatement(
                            sql: """
                                DELETE FROM objects WHERE cluster = ?1 AND key IN
                                    (SELECT key FROM objects WHERE cluster = ?1 LIMIT ?2)
                                """
                        ).execute(arguments: [id, remaining])
                        let removed = db.changesCount
                        if removed < remaining {
                            try db.cachedStatement(sql: "DELETE FROM garbage WHERE cluster = ?").execute(arguments: [id])
                        }
                        remaining -= max(removed, 1)
                    }
                    return .commit
                }
                noteAppended((limit - remaining) * 1_024)
                return try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM garbage)") ?? false
            }
        } catch {
            throw StoreError(storage: error)
        }
    }

    func close() throws(StoreError) {
        log.withLock { $0.isClosed = true }
        do {
            try checkpointer.close()
            for reader in readers { try reader.close() }
            try writer.inDatabase { db in _ = try db.checkpoint(.truncate) }
            try writer.close()
        } catch {
            throw StoreError(storage: error)
        }
    }
}

// Reading clusters.
extension SQLiteEngine {
    private var reader: DatabaseQueue {
        readers[nextReader.add(1, ordering: .relaxed).newValue % readers.count]
    }

    func load(_ id: Int64, _ completion: @escaping @Sendable (Result<StoredCluster?, StoreError>) -> Void) {
        typealias Raw = (base: Int64, revision: Int64, record: Data, rows: [(key: String, value: Data?)])
        reader.asyncRead { [decoding, codec] connection in
            let raw = Result<Raw?, any Error> {
                let db = try connection.get()
                let cluster = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT base, revision, value FROM clusters JOIN records ON records.cluster = clusters.id
                        WHERE clusters.id = ?
                        """, arguments: [id])
                guard let cluster else { return nil }
                var rows: [(key: String, value: Data?)] = []
                let statement = try db.cachedStatement(
                    sql: "SELECT key, value FROM objects WHERE cluster = ? ORDER BY key")
                let cursor = try Row.fetchCursor(statement, arguments: [id])
                while let row = try cursor.next() { rows.append((row[0], row[1])) }
                return (cluster[0], cluster[1], cluster[2], rows)
            }
            // Decoding is off the connection, so that no read transaction holds up the log while it lasts.
            decoding.async {
                let result = raw.flatMap { raw in
                    Result { try raw.map { try SQLiteEngine.decode($0.base, $0.revision, $0.record, $0.rows, codec) } }
                }
                completion(result.mapError { StoreError(storage: $0) })
            }
        }
    }

    func clusters(
        owning prefix: String, _ completion: @escaping @Sendable (Result<[Int64], StoreError>) -> Void
    ) {
        reader.asyncRead { connection in
            let result = Result<[Int64], any Error> {
                try Int64.fetchAll(
                    try connection.get(),
                    sql: """
                        SELECT id FROM clusters WHERE EXISTS
                            (SELECT 1 FROM objects WHERE cluster = id AND key >= ?1 AND key < ?2 AND value IS NOT NULL)
                        ORDER BY id
                        """, arguments: [prefix, prefix + "\u{10FFFF}"])
            }
            completion(result.mapError { StoreError(storage: $0) })
        }
    }

    private static func decode(
        _ base: Int64, _ revision: Int64, _ record: Data, _ rows: [(key: String, value: Data?)], _ codec: any ValueCodec
    ) throws -> StoredCluster {
        let rows = try rows.map { key, value -> StoredCluster.Row in
            guard let value else { return .tombstone(key: key) }
            return .object(key: key, try object(try codec.opened([UInt8](value), key: key), key))
        }
        return StoredCluster(
            base: base, revision: UInt64(clamping: revision), record: try JSON(parsing: [UInt8](record)), rows: rows)
    }

    private static func object(_ bytes: [UInt8], _ key: String) throws -> Object {
        do {
            return try Object(bytes: bytes)
        } catch {
            throw StoreError.unavailable("the stored object \(key) can't be read: \(error)")
        }
    }
}

// The write-ahead log.
extension SQLiteEngine {
    /// Begins a background checkpoint when enough was appended.
    private func noteAppended(_ bytes: Int) {
        let begins = log.withLock { log in
            log.appended += bytes
            // Two checkpoints at once are refused by SQLite: the writer's comes first.
            let isFree = !log.isCheckpointing && !log.mustRestart && !log.isClosed
            guard log.appended >= SQLiteEngine.checkpointBytes, isFree else { return false }
            log.appended = 0
            log.isCheckpointing = true
            return true
        }
        guard begins else { return }
        checkpointer.asyncWriteWithoutTransaction { [self] db in
            let result = Result { try db.checkpoint(.passive) }
            log.withLock { log in
                log.isCheckpointing = false
                switch result {
                case .success(let (frames, _)): log.mustRestart = frames > SQLiteEngine.restartFrames
                // Nothing is lost, it is all in the log; the writer tries again, and tells of it.
                case .failure: log.mustRestart = true
                }
            }
        }
    }

    var needsCheckpoint: Bool { log.withLock { $0.mustRestart } }

    func checkpoint() throws(StoreError) {
        log.withLock { $0.mustRestart = false }
        do {
            // Most is already copied by the background checkpoints; after the rest, the log starts over.
            try writer.inDatabase { db in _ = try db.checkpoint(.passive) }
        } catch {
            throw StoreError(storage: error)
        }
    }
}

extension StoreError {
    /// What an error of the storage means to the caller of a commit or a load.
    init(storage error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .diskFull("\(error)")
        default: self = .unavailable("\(error)")
        }
    }
}

extension EngineBatch.Row {
    fileprivate var size: Int { if case .put(let bytes) = change { key.utf8.count + bytes.count } else { key.utf8.count } }
}

extension SQLiteEngine {
    /// What the durability of commits rests on, as the writer's connection has it.
    var settings: (journal: String?, synchronous: Int?, autocheckpoint: Int?) {
        get throws {
            try writer.inDatabase { db in
                (
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous"),
                    try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint")
                )
            }
        }
    }
}
