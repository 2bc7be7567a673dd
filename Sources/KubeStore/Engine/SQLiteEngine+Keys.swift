import Crypto
import Foundation
import GRDB
import Synchronization

// The clusters' keys, which are stored wrapped.
extension SQLiteEngine {
    /// How many clusters' keys the writer remembers.
    private static let rememberedKeys = 4_096

    /// The key of a cluster, for the writer.
    func key(of cluster: Int64, _ db: Database) throws -> ClusterKey {
        if let known = writerKeys.withLock({ $0[cluster] }) { return known }
        guard let row = try Row.fetchOne(db, sql: Self.keyQuery, arguments: [cluster]) else {
            return try addKey(to: cluster, db)
        }
        let key = try Self.unwrap(row[1], wrappedWith: row[0], cluster: cluster, keys)
        remember(key, of: cluster)
        return key
    }

    /// Gives a cluster its key.
    @discardableResult
    func addKey(to cluster: Int64, _ db: Database) throws -> ClusterKey {
        let key = ClusterKey.fresh()
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO clusterKeys (cluster, platformKey, value) VALUES (?, ?, ?)"
        ).execute(
            arguments: [cluster, keys.current.id, try key.wrapped(with: keys.current.key, cluster: cluster)])
        remember(key, of: cluster)
        return key
    }

    /// Destroys a cluster's key: what it encrypted is nothing from now on.
    func removeKey(of cluster: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM clusterKeys WHERE cluster = ?").execute(arguments: [cluster])
        writerKeys.withLock { $0[cluster] = nil }
    }

    private func remember(_ key: ClusterKey, of cluster: Int64) {
        writerKeys.withLock { known in
            if known.count >= Self.rememberedKeys { known.removeAll() }
            known[cluster] = key
        }
    }

    static let keyQuery = "SELECT platformKey, value FROM clusterKeys WHERE cluster = ?"

    static func unwrap(
        _ value: Data, wrappedWith id: String, cluster: Int64, _ keys: PlatformKeys
    ) throws(StoreError) -> ClusterKey {
        guard let platformKey = keys.key(id) else {
            throw .unavailable(
                "the platform key \(id), which cluster \(cluster)'s key is wrapped with, is not in keys.json; restore it from a backup"
            )
        }
        return try ClusterKey(unwrapping: value, with: platformKey, cluster: cluster)
    }

    /// Encrypts what was stored before there were keys, and wraps anew what was wrapped with an older platform key, or encrypts it anew.
    ///
    /// - Parameter isNew: whether the platform's keys were just made.
    func prepareKeys(isNew: Bool, _ db: Database) throws {
        if isNew, try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM clusterKeys)") ?? false {
            throw StoreError.unavailable(
                "the file keys.json, with which the clusters' secrets are encrypted, is gone; restore it from a backup")
        }
        try db.inTransaction(.immediate) {
            for row in try Row.fetchAll(
                db, sql: "SELECT cluster, platformKey, value FROM clusterKeys WHERE platformKey <> ?",
                arguments: [keys.current.id])
            {
                let cluster: Int64 = row[0]
                let key = try Self.unwrap(row[2], wrappedWith: row[1], cluster: cluster, keys)
                if keys.renewClusterKeys(wrappedWith: row[1]) {
                    try encrypt(cluster, with: key, db)
                    continue
                }
                try db.execute(
                    sql: "UPDATE clusterKeys SET platformKey = ?, value = ? WHERE cluster = ?",
                    arguments: [keys.current.id, try key.wrapped(with: keys.current.key, cluster: cluster), cluster])
            }
            let bare = try Int64.fetchAll(
                db, sql: "SELECT id FROM clusters WHERE id NOT IN (SELECT cluster FROM clusterKeys)")
            for cluster in bare { try encrypt(cluster, db) }
            return .commit
        }
    }

    /// Gives a cluster a fresh key and encrypts all that is to be encrypted with it.
    ///
    /// - Parameter former: the key that it is encrypted with so far, if it is.
    private func encrypt(_ cluster: Int64, with former: ClusterKey? = nil, _ db: Database) throws {
        let key = try addKey(to: cluster, db)
        func renewed(_ value: Data, at place: String) throws -> Data {
            try key.sealed(try former?.opened(value, at: place) ?? [UInt8](value), at: place)
        }
        if let record = try Data.fetchOne(db, sql: "SELECT value FROM records WHERE cluster = ?", arguments: [cluster]) {
            try db.execute(
                sql: "UPDATE records SET value = ? WHERE cluster = ?",
                arguments: [
                    try renewed(record, at: EncryptedRows.place(recordOf: cluster)), cluster,
                ])
        }
        let secrets = try Row.fetchAll(
            db, sql: "SELECT key, value FROM objects WHERE cluster = ? AND key >= ? AND key < ? AND value IS NOT NULL",
            arguments: [cluster, EncryptedRows.secrets, EncryptedRows.secrets + "\u{10FFFF}"])
        for row in secrets {
            let name: String = row[0]
            let value: Data = row[1]
            try db.execute(
                sql: "UPDATE objects SET value = ? WHERE cluster = ? AND key = ?",
                arguments: [try renewed(value, at: EncryptedRows.place(cluster, name)), cluster, name])
        }
    }
}
