import GRDB

/// The tables of the embedded engine, and the way from older files to them.
///
/// `objects` holds what a cluster owns, in key order, one contiguous range a cluster; a null value says that an object of
/// the cluster's base was deleted. A cluster's revision is the greatest of its row's and its objects'. Rows of a deleted cluster stay until they are purged, with the cluster's id in `garbage`;
/// so do those of one that is written in pieces, which takes its id from there when it is whole.
/// Those of a retired cluster stay as they are, with its id in `retired`.
enum SQLiteSchema {
    /// `SMPN`: tells our files from others'.
    static let applicationID: Int32 = 0x534d_504e
    static let version = 4

    /// The clusters' keys, each wrapped with the platform key of that id.
    private static let clusterKeys =
        "CREATE TABLE clusterKeys (cluster INTEGER NOT NULL PRIMARY KEY, platformKey TEXT NOT NULL, value BLOB NOT NULL);"

    /// Clusters that were put away, with their rows, and may come back.
    private static let retired = "CREATE TABLE retired (cluster INTEGER NOT NULL PRIMARY KEY);"

    static func prepare(_ db: Database) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw StoreError.unavailable(
                "the database was written by a newer release (format \(found), known \(version)); run that release")
        }
        guard found < version else { return }
        try db.inTransaction(.immediate) {
            if found > 0 {
                try db.execute(sql: "\(found == 1 ? clusterKeys : "") \(retired) PRAGMA user_version = \(version);")
                return .commit
            }
            try db.execute(
                sql: """
                    CREATE TABLE clusters (
                        id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, uid TEXT NOT NULL,
                        base INTEGER NOT NULL, revision INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE records (cluster INTEGER NOT NULL PRIMARY KEY, value BLOB NOT NULL);
                    CREATE TABLE objects (
                        cluster INTEGER NOT NULL, key TEXT NOT NULL, value BLOB,
                        PRIMARY KEY (cluster, key)
                    ) WITHOUT ROWID;
                    CREATE TABLE bases (id INTEGER NOT NULL PRIMARY KEY, version TEXT NOT NULL);
                    CREATE TABLE baseObjects (
                        base INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
                        PRIMARY KEY (base, key)
                    ) WITHOUT ROWID;
                    CREATE TABLE garbage (cluster INTEGER NOT NULL PRIMARY KEY);
                    CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                    \(clusterKeys)
                    \(retired)
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(version);
                    """)
            return .commit
        }
    }
}
