import KubeObject
import Synchronization
import Testing

@testable import KubeStore

/// Clusters that begin with so much that it is written in several transactions.
struct RestoredInPiecesTests {
    private static var options: StoreOptions {
        var options = StoreOptions()
        options.pieceWrites = 10
        return options
    }

    private static func restored(_ count: Int, padding: Int = 0) throws -> RestoredObjects {
        let data: JSON = ["padding": .string(String(repeating: "x", count: padding))]
        let objects = try (1...count).map { index in
            let place = key("n\(1_000 + index)", plural: index % 3 == 0 ? "secrets" : "configmaps")
            // The last key has the first revision.
            return (key: place, object: try draft(place.name, data: data).sealed(resourceVersion: UInt64(count + 1 - index)))
        }
        return try RestoredObjects(revision: UInt64(count), objects: objects)
    }

    @Test func isTheSameAsAtOnce() async throws {
        let directory = TemporaryDirectory()
        let base = try Base(version: "1", objects: ["gone"].map { (key($0), try draft($0)) })
        try await withStore(Self.options, directory: directory.path) { store in
            let told = Mutex<[UInt64]>([])
            store.observe { batch in told.withLock { $0 += batch.events.map(\.revision) } }
            let cluster = try await store.createCluster(
                "demo", uid: "u", record: ["ca": "x"], base: base, restored: Self.restored(95), writes: [put("new")])
            #expect(cluster.revision == 96)
            #expect(cluster.snapshot.count(prefix: "") == 96)
            #expect(told.withLock { $0 } == Array(1...96))
            #expect(try await store.createCluster("next", uid: "v", base: base).id == cluster.id + 1)
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            #expect(cluster.revision == 96)
            #expect(cluster.record == ["ca": "x"])
            #expect(cluster.snapshot.count(prefix: "core/secrets/") == 31)
            #expect(cluster.snapshot.count(prefix: "core/configmaps/") == 65)
            #expect(cluster.snapshot.get(key("gone")) == nil)
        }
        let rows = try StoredRows(directory.path)
        #expect(rows.withoutCluster == 0)
        #expect(rows.keysWithoutCluster == 0)
    }

    /// Others write between the pieces, and see nothing of the cluster before it is whole.
    @Test func othersWriteInBetween() async throws {
        try await withStore(Self.options) { store in
            let other = try await store.createCluster("other", uid: "o", base: Base(version: "empty"))
            async let cluster = store.createCluster("demo", uid: "u", base: Base(version: "empty"), restored: Self.restored(900))
            var written = 0
            while store.info("demo") == nil {
                _ = try await other.commit([put("a")])
                written += 1
            }
            #expect(try await cluster.snapshot.count(prefix: "") == 900)
            // 90 pieces, each of which waits for its turn as the other's writes do.
            #expect(written > 10)
        }
    }

    /// A name that somebody takes meanwhile: the one who comes too late leaves nothing.
    @Test func whatComesToNothingLeavesNothing() async throws {
        let directory = TemporaryDirectory()
        try await withStore(Self.options, directory: directory.path) { store in
            let late = Task {
                try await store.createCluster(
                    "demo", uid: "late", base: Base(version: "empty"), restored: Self.restored(900))
            }
            // Once its first pieces are there.
            while try StoredRows(directory.path).withoutCluster == 0 { await Task.yield() }
            _ = try await store.createCluster("demo", uid: "first", base: Base(version: "empty"))
            await expectRefusal("clusterExists") { try await late.value }
            #expect(store.info("demo")?.uid == "first")
            while try StoredRows(directory.path).withoutCluster > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try StoredRows(directory.path).keysWithoutCluster == 0)
        }
    }

    @Test func aDiskThatIsFullMidwayGetsItsRoomBack() async throws {
        let directory = TemporaryDirectory()
        var options = Self.options
        options.maximumPages = 200
        try await withStore(options, directory: directory.path) { store in
            let other = try await store.createCluster("other", uid: "o", base: Base(version: "empty"))
            for _ in 0..<3 {
                await expectRefusal("diskFull") {
                    try await store.createCluster(
                        "demo", uid: "u", base: Base(version: "empty"), restored: Self.restored(400, padding: 6_000))
                }
                #expect(store.info("demo") == nil)
                while try StoredRows(directory.path).withoutCluster > 0 { try await Task.sleep(for: .milliseconds(5)) }
                _ = try await other.commit([put("a")])
            }
        }
        #expect(try StoredRows(directory.path).keysWithoutCluster == 0)
    }

    /// While one comes, the rows of others that went are purged, and its own stay.
    @Test func whatComesIsntPurged() async throws {
        try await withStore(Self.options) { store in
            async let cluster = store.createCluster("demo", uid: "u", base: Base(version: "empty"), restored: Self.restored(900))
            for round in 0..<20 {
                _ = try await store.createCluster("passing-\(round)", uid: "p", base: Base(version: "empty"), writes: [put("a")])
                try await store.deleteCluster("passing-\(round)")
            }
            let made = try await cluster
            for tick in 1...(Store.ticksPerIdleTime + 1) { store.keepHouse(tick: tick) }
            #expect(made.snapshot.count(prefix: "") == 900)
            let stored = await withCheckedContinuation { continuation in
                store.engine.load(made.id) { continuation.resume(returning: $0) }
            }
            #expect(try stored.get()?.rows.count == 900)
        }
    }
}
