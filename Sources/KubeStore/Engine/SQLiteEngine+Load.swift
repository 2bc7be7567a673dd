import Dispatch
import Foundation
import GRDB
import KubeObject
import Synchronization

// Reading clusters.
extension SQLiteEngine {
    private var reader: DatabaseQueue {
        readers[nextReader.add(1, ordering: .relaxed).newValue % readers.count]
    }

    func load(_ id: Int64, _ completion: @escaping @Sendable (Result<StoredCluster?, StoreError>) -> Void) {
        typealias Raw = (
            base: Int64, revision: Int64, record: Data, key: (id: String, value: Data)?, rows: [(key: String, value: Data?)]
        )
        reader.asyncRead { [decoding, keys] connection in
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
                let key = try Row.fetchOne(db, sql: SQLiteEngine.keyQuery, arguments: [id]).map {
                    (id: $0[0] as String, value: $0[1] as Data)
                }
                return (cluster[0], cluster[1], cluster[2], key, rows)
            }
            // Decoding is off the connection, so that no read transaction holds up the log while it lasts.
            decoding.async {
                let result = raw.flatMap { raw in
                    Result {
                        try raw.map { raw in
                            guard let wrapped = raw.key else {
                                throw StoreError.unavailable("the key of cluster \(id) is gone from the database")
                            }
                            let key = try SQLiteEngine.unwrap(wrapped.value, wrappedWith: wrapped.id, cluster: id, keys)
                            return try SQLiteEngine.decode(id, raw.base, raw.revision, raw.record, raw.rows, key)
                        }
                    }
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
        _ id: Int64, _ base: Int64, _ revision: Int64, _ record: Data, _ rows: [(key: String, value: Data?)],
        _ clusterKey: ClusterKey
    ) throws -> StoredCluster {
        var revision = UInt64(clamping: revision)
        let rows = try rows.map { key, value -> StoredCluster.Row in
            guard let value else { return .tombstone(key: key) }
            let bytes =
                EncryptedRows.isSecret(key)
                ? try clusterKey.opened(value, at: EncryptedRows.place(id, key)) : [UInt8](value)
            let object = try object(bytes, key)
            revision = max(revision, object.metadata.resourceVersion)
            return .object(key: key, object)
        }
        return StoredCluster(
            base: base, revision: revision,
            record: try JSON(parsing: try clusterKey.opened(record, at: EncryptedRows.place(recordOf: id))), rows: rows)
    }

    static func object(_ bytes: [UInt8], _ key: String) throws -> Object {
        do {
            return try Object(bytes: bytes)
        } catch {
            throw StoreError.unavailable("the stored object \(key) can't be read: \(error)")
        }
    }
}
