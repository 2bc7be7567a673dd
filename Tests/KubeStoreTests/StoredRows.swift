import Foundation
import GRDB

/// What is in a store's file of which no cluster knows.
struct StoredRows {
    /// Rows of objects.
    let withoutCluster: Int
    /// Keys of clusters.
    let keysWithoutCluster: Int

    init(_ directory: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let database = try DatabaseQueue(path: directory + "/store.sqlite", configuration: configuration)
        (withoutCluster, keysWithoutCluster) = try database.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT count(*) FROM objects WHERE cluster NOT IN (SELECT id FROM clusters)") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM clusterKeys WHERE cluster NOT IN (SELECT id FROM clusters)") ?? 0
            )
        }
        try database.close()
    }
}
