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
    let writer: DatabaseQueue
    let readers: [DatabaseQueue]
    let nextReader = Atomic<Int>(0)
    let checkpointer: DatabaseQueue
    let keys: PlatformKeys
    /// The keys of the clusters that were written to; the writer's own.
    let writerKeys = Mutex<[Int64: ClusterKey]>([:])
    let log = Mutex(LogState())
    let decoding = DispatchQueue(label: "store-decoding", attributes: .concurrent)

    struct LogState {
        /// About how many bytes were appended to the log since the last checkpoint began.
        var appended = 0
        var isCheckpointing = false
        /// The log outgrew what background checkpoints can keep up with.
        var mustRestart = false
        var isClosed = false
    }

    /// Opens the database `store.sqlite` in a directory, and makes it when there is none.
    init(directory: String, maximumPages: Int? = nil) throws(StoreError) {
        let path = directory + "/store.sqlite"
        // SQLite gives its other files the mode of this one. Records hold keys: they are for nobody else.
        if !FileManager.default.fileExists(atPath: path),
            !FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        {
            throw .unavailable("creating \(path) failed; is the directory writable?")
        }
        let (keys, isNew) = try PlatformKeys.loadOrCreate(directory: directory)
        self.keys = keys
        do {
            writer = try SQLiteEngine.connect(path, cachePages: 1_024)
            try writer.inDatabase { db in
                if let maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
                try SQLiteSchema.prepare(db)
            }
            readers = [try SQLiteEngine.connect(path), try SQLiteEngine.connect(path)]
            checkpointer = try SQLiteEngine.connect(path)
            try writer.inDatabase { db in
                // Of clusters that a kill kept from being made.
                try db.execute(sql: "DELETE FROM clusterKeys WHERE cluster IN (SELECT cluster FROM garbage)")
                try prepareKeys(isNew: isNew, db)
            }
        } catch {
            throw StoreError(storage: error)
        }
    }

    /// Small caches: a page that isn't in one is most often in the system's, which gives it in microseconds and takes it back when memory is short.
    private static func connect(_ path: String, cachePages: Int = 256) throws -> DatabaseQueue {
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
                    PRAGMA secure_delete = FAST;
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
                let retired = Set(try Int64.fetchAll(db, sql: "SELECT cluster FROM retired"))
                var greatest: Int64 = 0
                let clusters = try Row.fetchCursor(db, sql: "SELECT id, name, uid FROM clusters ORDER BY id")
                while let row = try clusters.next() {
                    let info = ClusterInfo(id: row[0], name: row[1], uid: row[2])
                    if retired.contains(info.id) { contents.retired.append(info) } else { contents.clusters.append(info) }
                    greatest = info.id
                }
                for row in try Row.fetchAll(db, sql: "SELECT id, version FROM bases") {
                    let id: Int64 = row[0]
                    contents.bases[id] = Base(version: row[1], stored: try baseObjects(db, id))
                }
                let former = try Int64.fetchOne(db, sql: "SELECT value FROM counters WHERE name = 'cluster'") ?? 1
                contents.nextCluster = max(former, greatest + 1)
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
            return (key, try SQLiteEngine.object([UInt8](data), key))
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
