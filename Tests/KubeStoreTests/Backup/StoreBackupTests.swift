import Foundation
import KubeObject
import Testing

@testable import KubeStore

struct StoreBackupTests {
    private static func write(_ cluster: LogicalCluster, _ index: Int) async throws {
        let secret = Key(group: "", plural: "secrets", namespace: "default", name: "s\(index)")
        _ = try await cluster.commit([
            put("m\(index)"), .put(try draft("s\(index)", data: ["a": "shibboleth"]), at: secret),
        ])
    }

    /// A copy that is taken while somebody writes is of one moment, and a store again: with what was acknowledged before, and no half of a transaction.
    @Test func aCopyUnderWritesIsOfOneMoment() async throws {
        let directory = TemporaryDirectory()
        let other = TemporaryDirectory()
        let file = directory.path + "/copy.sqlite"
        let keys = directory.path + "/keys.json"
        try await withStore(directory: directory.path) { store in
            let clusters = [
                try await store.createCluster("a", uid: "a", record: ["ca": "1"], base: Base(version: "1")),
                try await store.createCluster("b", uid: "b", record: ["ca": "2"], base: Base(version: "1")),
            ]
            for index in 0..<50 { for cluster in clusters { try await Self.write(cluster, index) } }
            try await store.retireCluster("b")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for index in 50..<150 { try await Self.write(clusters[0], index) } }
                try StoreBackup.copy(store: directory.path, to: file)
                try await group.waitForAll()
            }
            #expect(throws: StoreError.self) { try StoreBackup.copy(store: directory.path, to: file) }
            let contents = try StoreBackup.check(file, keys: keys)
            #expect((contents.clusters, contents.retired, contents.isDecrypted) == (1, 1, true))
            #expect(contents.objects >= 200)
            #expect(try StoreBackup.check(file, keys: nil).objects == contents.objects)
            #expect(contents.platformKeys.count == 1)
        }
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)).range(of: Data("shibboleth".utf8)) == nil)
        _ = try StoreBackup.restore(file, keys: keys, to: other.path)
        #expect(throws: StoreError.self) { try StoreBackup.restore(file, keys: keys, to: other.path) }
        try await withStore(directory: other.path) { store in
            let cluster = try #require(try await store.cluster("a"))
            let names = Set(cluster.snapshot.list(prefix: "core/configmaps/").map(\.metadata.name))
            #expect(names.isSuperset(of: (0..<50).map { "m\($0)" }))
            // Nothing in between is missing, and each has its other half.
            #expect(names == Set((0..<names.count).map { "m\($0)" }))
            let secrets = cluster.snapshot.list(prefix: "core/secrets/")
            #expect(Set(secrets.map(\.metadata.name)) == Set((0..<names.count).map { "s\($0)" }))
            #expect(cluster.record == ["ca": "1"])
            #expect(store.retiredClusters.map(\.name) == ["b"])
            // Whoever has seen more than was copied lists again.
            #expect(cluster.revision > StoreBackup.revisionGap)
            await expectRefusal("expired") { try cluster.watch(prefix: "", since: 300) }
            try await Self.write(cluster, 1000)
        }
    }

    @Test func whatIsDamagedOrForeignIsRefused() async throws {
        let directory = TemporaryDirectory()
        let other = TemporaryDirectory()
        let file = directory.path + "/copy.sqlite"
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster("a", uid: "a", base: Base(version: "1"))
            for index in 0..<200 { try await Self.write(cluster, index) }
        }
        try StoreBackup.copy(store: directory.path, to: file)
        let keys = directory.path + "/keys.json"
        let digest = try StoreBackup.digest(file)
        _ = try StoreBackup.check(file, keys: keys)
        // Another platform's keys.
        try await withStore(directory: other.path) { _ in }
        #expect(throws: StoreError.self) { try StoreBackup.check(file, keys: other.path + "/keys.json") }
        // A page that says nothing sensible.
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.seek(toOffset: 3 * 8192)
        try handle.write(contentsOf: Data(repeating: 0x5a, count: 8192))
        try handle.close()
        #expect(throws: StoreError.self) { try StoreBackup.check(file, keys: keys) }
        #expect(try StoreBackup.digest(file) != digest)
        // No database at all, and none.
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: file))
        #expect(throws: StoreError.self) { try StoreBackup.check(file, keys: keys) }
        #expect(throws: StoreError.self) { try StoreBackup.check(directory.path + "/none", keys: keys) }
        #expect(throws: StoreError.self) { try StoreBackup.copy(store: directory.path + "/none", to: file + "2") }
        #expect(!FileManager.default.fileExists(atPath: file + "2"))
    }
}
