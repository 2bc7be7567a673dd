import Foundation
import GRDB
import KubeObject
import TestPrograms
import Testing

@testable import KubeStore

struct SQLiteEngineTests {
    private static let base = Base(version: "1")

    /// Fills the database until it is full, and sees that it fails cleanly, stays readable, and works again with space.
    private func fillAndRecover(_ store: Store, _ cluster: LogicalCluster, makeSpace: () async throws -> Void) async throws {
        let padding = JSON.string(String(repeating: "x", count: 50_000))
        var acknowledged: [String: UInt64] = [:]
        var failures = 0
        for index in 0..<400 where failures < 5 {
            let before = cluster.snapshot
            do {
                let stored = try await cluster.commit([put("n\(index)", ["p": padding])])
                acknowledged["n\(index)"] = stored[0]?.metadata.resourceVersion
            } catch StoreError.diskFull {
                failures += 1
                #expect(cluster.revision == before.revision)
                #expect(cluster.snapshot.count(prefix: "") == before.count(prefix: ""))
            }
        }
        #expect(failures == 5)
        #expect(!acknowledged.isEmpty)
        for (name, revision) in acknowledged {
            #expect(cluster.snapshot.get(key(name))?.metadata.resourceVersion == revision)
        }
        // What isn't in memory can be read too.
        #expect(try await store.cluster("other")?.snapshot.count(prefix: "") == 1)

        try await makeSpace()
        let revision = cluster.revision
        let stored = try await cluster.commit([put("after", ["p": padding])])
        #expect(stored[0]?.metadata.resourceVersion == revision + 1)
    }

    @Test func aFullDatabaseFailsCleanlyAndRecovers() async throws {
        let directory = TemporaryDirectory()
        var options = StoreOptions()
        options.maximumPages = 400
        options.idleClusters = 1
        var revision: UInt64 = 0
        try await withStore(options, directory: directory.path) { store in
            _ = try await store.createCluster("other", uid: "o", base: SQLiteEngineTests.base, writes: [put("a")])
            let cluster = try await store.createCluster("demo", uid: "d", base: SQLiteEngineTests.base)
            // Deleting needs no page, and leaves free ones behind.
            try await fillAndRecover(store, cluster) {
                _ = try await cluster.commit((0..<10).map { .delete(key("n\($0)")) })
            }
            revision = cluster.revision
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            #expect(cluster.revision == revision)
            #expect(cluster.snapshot.get(key("after")) != nil)
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func aFullDiskFailsCleanlyAndRecovers() async throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try run("mount", "-t", "tmpfs", "-o", "size=8m", "store-tests", directory.path)
        var options = StoreOptions()
        options.idleClusters = 1
        do {
            try await withStore(options, directory: directory.path) { store in
                _ = try await store.createCluster("other", uid: "o", base: SQLiteEngineTests.base, writes: [put("a")])
                let cluster = try await store.createCluster("demo", uid: "d", base: SQLiteEngineTests.base)
                try await fillAndRecover(store, cluster) {
                    try run("mount", "-o", "remount,size=64m", directory.path)
                }
            }
            try await withStore(directory: directory.path) { store in
                let cluster = try #require(try await store.cluster("demo"))
                #expect(cluster.snapshot.get(key("after")) != nil)
                #expect(cluster.snapshot.get(key("n0")) != nil)
            }
        } catch {
            try await unmount(directory.path)
            throw error
        }
        try await unmount(directory.path)
    }

    /// A process that another test starts has our files open too, until it is the program that it is to be.
    private func unmount(_ path: String) async throws {
        for _ in 0..<100 {
            do { return try run("umount", path) } catch { try await Task.sleep(for: .milliseconds(50)) }
        }
        try run("umount", path)
    }

    private func run(_ command: String...) throws {
        let program = try TestProgram.start(command)
        try #require(program.wait() == 0, "\(command)")
    }

    @Test func rowsOfDeletedClustersGoAway() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let big = try await store.createCluster("big", uid: "b", base: SQLiteEngineTests.base)
            _ = try await big.commit((0..<3_000).map { try put("n\($0)") })
            for index in 0..<30 {
                _ = try await store.createCluster("c\(index)", uid: "\(index)", base: SQLiteEngineTests.base, writes: [put("a")])
            }
            try await store.deleteCluster("big")
            for index in 0..<20 { try await store.deleteCluster("c\(index)") }
            while try counts(directory.path)["garbage"] != 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try counts(directory.path) == ["garbage": 0, "clusters": 10, "objects": 10, "records": 10])
        }
    }

    @Test func rowsLeftByAnEarlierRunGoAwayToo() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("kept", uid: "k", base: SQLiteEngineTests.base, writes: [put("a")])
            let doomed = try await store.createCluster("doomed", uid: "d", base: SQLiteEngineTests.base)
            _ = try await doomed.commit((0..<50).map { try put("n\($0)") })
        }
        let database = try DatabaseQueue(path: directory.path + "/store.sqlite")
        try await database.write { db in
            try db.execute(sql: "DELETE FROM clusters WHERE name = 'doomed'; INSERT INTO garbage VALUES (2)")
        }
        try database.close()
        try await withStore(directory: directory.path) { _ in
            while try counts(directory.path)["garbage"] != 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try counts(directory.path)["objects"] == 1)
        }
    }

    private func counts(_ directory: String) throws -> [String: Int] {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let database = try DatabaseQueue(path: directory + "/store.sqlite", configuration: configuration)
        defer { try? database.close() }
        return try database.read { db in
            var counts: [String: Int] = [:]
            for table in ["garbage", "clusters", "objects", "records"] {
                counts[table] = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)")
            }
            return counts
        }
    }

    @Test func commitsAreFlushedAndLogged() async throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let engine = try SQLiteEngine(directory: directory.path)
        let settings = try engine.settings
        #expect(settings == ("wal", 2, 0))
        try engine.close()
    }

    /// Background checkpoints alone never catch up with a writer that doesn't pause.
    @Test func theLogStartsOver() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster("demo", uid: "d", base: SQLiteEngineTests.base)
            let padding = JSON.string(String(repeating: "x", count: 500_000))
            for index in 0..<200 { _ = try await cluster.commit([put("n\(index % 20)", ["p": padding])]) }
            let log = try FileManager.default.attributesOfItem(atPath: directory.path + "/store.sqlite-wal")
            #expect((log[.size] as? Int ?? .max) < 60 << 20)
        }
    }

    @Test func filesAreForTheirOwnerOnly() async throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("demo", uid: "d", base: SQLiteEngineTests.base)
            for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
                let mode = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/\(name)")[.posixPermissions]
                #expect(mode as? Int == 0o600, "\(name)")
            }
        }
    }

    @Test func aSecondProcessIsKeptOut() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { _ in
            let error = #expect(throws: StoreError.self) { try Store.open(directory: directory.path, logger: quiet) }
            #expect(error?.description.contains("in use by another process") == true)
        }
        let store = try Store.open(directory: directory.path, logger: quiet)
        await store.close()
    }

    @Test func aNewerFormatIsRefused() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { _ in }
        let database = try DatabaseQueue(path: directory.path + "/store.sqlite")
        try await database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
        try database.close()
        let error = #expect(throws: StoreError.self) { try Store.open(directory: directory.path, logger: quiet) }
        #expect(error?.description.contains("newer release") == true)
    }

    @Test func aDamagedObjectIsNamed() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("demo", uid: "d", base: SQLiteEngineTests.base, writes: [put("a")])
        }
        let database = try DatabaseQueue(path: directory.path + "/store.sqlite")
        try await database.write { try $0.execute(sql: "UPDATE objects SET value = '{\"half'") }
        try database.close()
        try await withStore(directory: directory.path) { store in
            let error = await #expect(throws: StoreError.self) { try await store.cluster("demo") }
            #expect(error?.description.contains("core/configmaps/default/a") == true)
        }
    }
}
