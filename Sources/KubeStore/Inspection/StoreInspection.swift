import Foundation
import GRDB

/// What can be seen of a store's file from outside, whether a server uses it or not. Changes nothing.
public struct StoreInspection: Sendable {
    /// All clusters that there are, with deleted ones that are kept.
    public var clusters: Set<Int64>
    /// The size of the file, in bytes.
    public var size: Int64
    /// How much of it is free for what comes.
    public var free: Int64
    /// What is wrong with the file; empty when nothing is, nil when that wasn't looked at.
    public var complaints: [String]?

    /// From how much free room on it is worth while to compact a file of which that is half, in bytes.
    static let worthCompacting: Int64 = 64 << 20

    /// Whether most of the file is free.
    public var isLoose: Bool { free >= Self.worthCompacting && free * 2 >= size }

    /// - Parameters:
    ///   - directory: the store's.
    ///   - reads: whether all of the file is read to see whether it is sound.
    /// - Throws: `.unavailable` when there is no store, or it can't be read.
    public init(of directory: String, reads: Bool) throws(StoreError) {
        let path = directory + "/store.sqlite"
        guard FileManager.default.fileExists(atPath: path) else { throw .unavailable("there is no store in \(directory)") }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            let database = try DatabaseQueue(path: path, configuration: configuration)
            (clusters, size, free, complaints) = try database.inDatabase { db in
                let page = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0
                return (
                    Set(try Int64.fetchAll(db, sql: "SELECT id FROM clusters")),
                    page * (try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0),
                    page * (try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0),
                    reads ? try String.fetchAll(db, sql: "PRAGMA quick_check(5)").filter { $0 != "ok" } : nil
                )
            }
            try database.close()
        } catch {
            throw StoreError(storage: error)
        }
    }
}

extension Store {
    /// Writes the file of a store that nobody uses anew, without what is free in it. A kill in between leaves it as it was.
    ///
    /// - Throws: `.unavailable` when a process uses the directory, `.diskFull`.
    public static func compact(directory: String) throws(StoreError) {
        let lock = try DirectoryLock(directory: directory)
        defer { lock.release() }
        do {
            let database = try DatabaseQueue(path: directory + "/store.sqlite")
            try database.inDatabase { db in
                try db.execute(sql: "VACUUM")
                _ = try db.checkpoint(.truncate)
            }
            try database.close()
        } catch {
            throw StoreError(storage: error)
        }
    }
}
