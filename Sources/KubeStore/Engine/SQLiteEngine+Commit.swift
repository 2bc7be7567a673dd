import Foundation
import GRDB
import KubeObject

// Writing, by the writer's thread only.
extension SQLiteEngine {
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
        for id in batch.begun {
            try throwAway(id, db)
            try addKey(to: id, db)
        }
        if !batch.created.isEmpty {
            let cluster = try db.cachedStatement(
                sql: "INSERT INTO clusters (id, name, uid, base, revision) VALUES (?, ?, ?, ?, ?)")
            let record = try db.cachedStatement(sql: "INSERT INTO records (cluster, value) VALUES (?, ?)")
            for created in batch.created {
                let info = created.info
                try cluster.execute(
                    arguments: [info.id, info.name, info.uid, created.base, Int64(clamping: created.revision)])
                if created.wasBegun {
                    try db.cachedStatement(sql: "DELETE FROM garbage WHERE cluster = ?").execute(arguments: [info.id])
                }
                let sealed = try (created.wasBegun ? key(of: info.id, db) : addKey(to: info.id, db)).sealed(
                    created.record.encoded(), at: EncryptedRows.place(recordOf: info.id))
                try record.execute(arguments: [info.id, sealed])
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
                    let value =
                        EncryptedRows.isSecret(row.key)
                        ? try key(of: row.cluster, db).sealed(bytes, at: EncryptedRows.place(row.cluster, row.key)) : Data(bytes)
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
            for (id, value) in batch.records {
                let sealed = try key(of: id, db).sealed(value.encoded(), at: EncryptedRows.place(recordOf: id))
                try record.execute(arguments: [sealed, id])
            }
        }
        for id in batch.retired {
            try db.cachedStatement(sql: "INSERT INTO retired (cluster) VALUES (?)").execute(arguments: [id])
        }
        for info in batch.revived {
            try db.cachedStatement(sql: "DELETE FROM retired WHERE cluster = ?").execute(arguments: [info.id])
            try db.cachedStatement(sql: "UPDATE clusters SET name = ?, uid = ? WHERE id = ?").execute(
                arguments: [info.name, info.uid, info.id])
        }
        for id in batch.abandoned { try removeKey(of: id, db) }
        for id in batch.deleted { try delete(id, db) }
    }

    private func write(_ base: Base, _ id: Int64, _ db: Database) throws {
        try db.execute(sql: "INSERT INTO bases (id, version) VALUES (?, ?)", arguments: [id, base.version])
        let put = try db.cachedStatement(sql: "INSERT INTO baseObjects (base, key, value) VALUES (?, ?, ?)")
        for entry in base.map.entries(from: 0, count: base.map.count) {
            try put.execute(arguments: [id, entry.key, Data(entry.value.bytes)])
        }
    }

    private func delete(_ id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM clusters WHERE id = ?").execute(arguments: [id])
        try db.cachedStatement(sql: "DELETE FROM records WHERE cluster = ?").execute(arguments: [id])
        try db.cachedStatement(sql: "DELETE FROM retired WHERE cluster = ?").execute(arguments: [id])
        try removeKey(of: id, db)
        try throwAway(id, db)
    }

    /// Has the rows of a cluster purged, at the next start at the latest.
    private func throwAway(_ id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO garbage (cluster) VALUES (?)").execute(arguments: [id])
        // Ids are for ever: the next one is above every one that ever was.
        try db.cachedStatement(
            sql: """
                INSERT INTO counters (name, value) VALUES ('cluster', ?)
                ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
                """
        ).execute(arguments: [id + 1])
    }

    /// The next cluster that has rows to purge.
    private func garbage(sparing coming: Set<Int64>, _ db: Database) throws -> Int64? {
        let clusters = try Int64.fetchCursor(db, sql: "SELECT cluster FROM garbage ORDER BY cluster")
        while let id = try clusters.next() {
            if !coming.contains(id) { return id }
        }
        return nil
    }

    func purge(limit: Int, sparing coming: Set<Int64>) throws(StoreError) -> Bool {
        do {
            return try writer.inDatabase { db in
                var remaining = limit
                try db.inTransaction(.immediate) {
                    while remaining > 0, let id = try garbage(sparing: coming, db) {
                        try db.cachedStatement(
                            sql: """
                                DELETE FROM objects WHERE cluster = ?1 AND key IN
                                    (SELECT key FROM objects WHERE cluster = ?1 LIMIT ?2)
                                """
                        ).execute(arguments: [id, remaining])
                        let removed = db.changesCount
                        if removed < remaining {
                            try db.cachedStatement(sql: "DELETE FROM garbage WHERE cluster = ?").execute(arguments: [id])
                            try removeKey(of: id, db)
                        }
                        remaining -= max(removed, 1)
                    }
                    return .commit
                }
                noteAppended((limit - remaining) * 1_024)
                return try garbage(sparing: coming, db) != nil
            }
        } catch {
            throw StoreError(storage: error)
        }
    }
}

extension EngineBatch.Row {
    fileprivate var size: Int { if case .put(let bytes) = change { key.utf8.count + bytes.count } else { key.utf8.count } }
}
