import Foundation
import GRDB
import KubeObject
import Testing

@testable import KubeStore

@Suite struct EncryptionTests {
    private static let base = Base(version: "empty")
    private static let password = "correct-horse-battery-staple"
    private static let authority = "the-private-key-of-the-cluster"

    private func secret(_ name: String) throws -> Write {
        .put(
            try Draft([
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": .string(name), "namespace": "default"],
                "stringData": ["password": .string(Self.password)],
            ]), at: key(name, plural: "secrets"), expect: .any)
    }

    /// Fills a directory with a cluster that has a record, a secret and a config map.
    private func fill(_ directory: String) async throws {
        try await withStore(directory: directory) { store in
            let cluster = try await store.createCluster(
                "demo", uid: "d", record: ["identity": .string(Self.authority)], base: Self.base)
            _ = try await cluster.commit([try secret("s"), try put("m", ["plain": "as it is"])])
        }
    }

    private func check(_ store: Store) async throws {
        let cluster = try #require(try await store.cluster("demo"))
        #expect(cluster.record["identity"]?.string == Self.authority)
        let found = try #require(cluster.snapshot.get(key("s", plural: "secrets")))
        #expect(found.tree[path: "stringData", "password"]?.string == Self.password)
    }

    private func contents(_ directory: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            contents[name] = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        }
        return contents
    }

    private func occurs(_ text: String, in directory: String) throws -> Bool {
        try contents(directory).values.contains { $0.range(of: Data(text.utf8)) != nil }
    }

    private func database(_ directory: String) throws -> DatabaseQueue { try DatabaseQueue(path: directory + "/store.sqlite") }

    @Test func `secrets and records are in no file as they are, living or closed`() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster(
                "demo", uid: "d", record: ["identity": .string(Self.authority)], base: Self.base)
            _ = try await cluster.commit([try secret("s"), try put("m", ["plain": "as it is"])])
            try await cluster.updateRecord(["identity": .string(Self.authority), "more": 1])
            #expect(try occurs("as it is", in: directory.path))
            for text in [Self.password, Self.authority] { #expect(try !occurs(text, in: directory.path)) }
        }
        for text in [Self.password, Self.authority] { #expect(try !occurs(text, in: directory.path)) }
        try await withStore(directory: directory.path) { store in try await check(store) }
    }

    @Test func `the database alone gives nothing away, and without its keys isn't opened`() async throws {
        let directory = TemporaryDirectory()
        try await fill(directory.path)
        let keys = PlatformKeys.path(in: directory.path)
        let mode = try FileManager.default.attributesOfItem(atPath: keys)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let wrapped = try await database(directory.path).read { db in
            try Data.fetchOne(db, sql: "SELECT value FROM clusterKeys") ?? Data()
        }
        // A marker, a nonce, the key, and a tag.
        #expect(wrapped.count == 61)
        try FileManager.default.removeItem(atPath: keys)
        await #expect(throws: StoreError.self) { try await withStore(directory: directory.path) { _ in } }
        // Another server's keys don't help.
        try FileManager.default.removeItem(atPath: keys)
        try PlatformKeysFile.write(id: "other", to: keys)
        await #expect(throws: StoreError.self) { try await withStore(directory: directory.path) { _ in } }
    }

    @Test func `a rotated platform key wraps every cluster's key anew`() async throws {
        let directory = TemporaryDirectory()
        try await fill(directory.path)
        func platformKeys() async throws -> [String] {
            try await database(directory.path).read { db in try String.fetchAll(db, sql: "SELECT platformKey FROM clusterKeys") }
        }
        let before = try await platformKeys()
        try PlatformKeys.rotate(directory: directory.path)
        try await withStore(directory: directory.path) { store in try await check(store) }
        let after = try await platformKeys()
        #expect(after.count == 1 && after != before)
        // The old key isn't needed any more.
        let path = PlatformKeys.path(in: directory.path)
        var tree = try JSON(parsing: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        tree["keys"] = .array([try #require(tree["keys"]?.elements.first)])
        try Data(tree.encoded()).write(to: URL(fileURLWithPath: path))
        try await withStore(directory: directory.path) { store in try await check(store) }
    }

    @Test func `the clusters' own keys are replaced, and what they encrypted with them`() async throws {
        let directory = TemporaryDirectory()
        try await fill(directory.path)
        func sealed() async throws -> [Data] {
            try await database(directory.path).read { db in
                try Data.fetchAll(
                    db, sql: "SELECT value FROM records UNION ALL SELECT value FROM objects WHERE key LIKE 'core/secrets/%'")
            }
        }
        func clusterKey() async throws -> ClusterKey {
            let (keys, _) = try PlatformKeys.loadOrCreate(directory: directory.path)
            return try await database(directory.path).read { db in
                let row = try #require(try Row.fetchOne(db, sql: "SELECT cluster, platformKey, value FROM clusterKeys"))
                return try SQLiteEngine.unwrap(row[2], wrappedWith: row[1], cluster: row[0], keys)
            }
        }
        let (former, values) = (try await clusterKey(), try await sealed())
        // A rotation of the platform's key alone, before the store is opened again, doesn't undo what the one before was to do.
        try PlatformKeys.rotate(directory: directory.path, clusterKeys: true)
        try PlatformKeys.rotate(directory: directory.path)
        try await withStore(directory: directory.path) { store in try await check(store) }
        let renewed = try await sealed()
        #expect(renewed.count == 2 && Set(renewed).isDisjoint(with: values))
        let current = try await clusterKey()
        #expect(throws: StoreError.self) { try current.opened(former.sealed([7], at: "x"), at: "x") }
        // It is done once, and not again with the next key.
        try PlatformKeys.rotate(directory: directory.path)
        try await withStore(directory: directory.path) { store in try await check(store) }
        #expect(try await sealed() == renewed)
        // And new values are sealed with the new key.
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            _ = try await cluster.commit([try secret("t")])
        }
        try await withStore(directory: directory.path) { store in try await check(store) }
    }

    @Test func `a deleted cluster's key is gone from the files`() async throws {
        let directory = TemporaryDirectory()
        try await fill(directory.path)
        let wrapped = try await database(directory.path).read { db in
            try Data.fetchOne(db, sql: "SELECT value FROM clusterKeys") ?? Data()
        }
        func holds() throws -> Bool { try contents(directory.path).values.contains { $0.range(of: wrapped) != nil } }
        #expect(try holds())
        try await withStore(directory: directory.path) { store in try await store.deleteCluster("demo") }
        // The log was folded into the database when the store was closed.
        #expect(try !holds())
    }

    @Test func `what was stored before there were keys is encrypted when it is opened`() async throws {
        let directory = TemporaryDirectory()
        try await fill(directory.path)
        let plain = try Draft([
            "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s", "namespace": "default"],
            "stringData": ["password": .string(Self.password)],
        ]).sealed(resourceVersion: 2).bytes
        try await database(directory.path).write { db in
            try db.execute(sql: "UPDATE objects SET value = ? WHERE key LIKE 'core/secrets/%'", arguments: [Data(plain)])
            try db.execute(
                sql: "UPDATE records SET value = ?", arguments: [Data("{\"identity\":\"\(Self.authority)\"}".utf8)])
            try db.execute(sql: "DROP TABLE clusterKeys; DROP TABLE retired; PRAGMA user_version = 1;")
        }
        try await withStore(directory: directory.path) { store in try await check(store) }
        let values = try await database(directory.path).read { db in
            try Data.fetchAll(
                db, sql: "SELECT value FROM records UNION SELECT value FROM objects WHERE key LIKE 'core/secrets/%'")
        }
        #expect(values.map(\.first) == [1, 1])
    }

    @Test func `what is sealed for one place is nothing in another`() throws {
        let key = ClusterKey.fresh()
        let sealed = try key.sealed([1, 2, 3], at: "1/core/secrets/default/a")
        #expect(try key.opened(sealed, at: "1/core/secrets/default/a") == [1, 2, 3])
        #expect(throws: StoreError.self) { try key.opened(sealed, at: "2/core/secrets/default/a") }
        var broken = sealed
        broken[broken.count - 1] ^= 1
        #expect(throws: StoreError.self) { try key.opened(broken, at: "1/core/secrets/default/a") }
        #expect(throws: StoreError.self) { try ClusterKey.fresh().opened(sealed, at: "1/core/secrets/default/a") }
    }
}

private enum PlatformKeysFile {
    static func write(id: String, to path: String) throws {
        let key = Data(repeating: 7, count: 32).base64EncodedString()
        try Data("{\"keys\":[{\"id\":\"\(id)\",\"key\":\"\(key)\"}]}".utf8).write(to: URL(fileURLWithPath: path))
    }
}
