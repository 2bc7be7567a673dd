import KubeObject
import Synchronization
import Testing

@testable import KubeStore

struct RetiredClusterTests {
    private static func unchanged(_ retired: RetiredCluster) throws -> RestoredObjects {
        try RestoredObjects(
            revision: retired.snapshot.revision, objects: retired.snapshot.entries(prefix: "").map { ($0.key, $0.object) })
    }

    private static func base() throws -> Base {
        try Base(version: "1", objects: ["shared", "changed", "gone"].map { (key($0), try draft($0)) })
    }

    /// Who asks in the midst of it must not believe that nothing is kept, and remove what tells of it.
    @Test func isSomewhereAtEveryMoment() async throws {
        try await withStore { store in
            let numbers = 0..<100
            for number in numbers { _ = try await store.createCluster("c\(number)", uid: "u\(number)", base: Self.base()) }
            let lost = Task.detached {
                var lost = 0
                var retired = 0
                repeat {
                    retired = 0
                    for number in numbers {
                        switch store.whereabouts(ofUID: "u\(number)", named: "c\(number)") {
                        case .inUse: break
                        case .retired(let info): retired += info.uid == "u\(number)" ? 1 : 0
                        case .nowhere: lost += 1
                        }
                    }
                    await Task.yield()
                } while retired < numbers.count && lost == 0
                return lost
            }
            for number in numbers { try await store.retireCluster("c\(number)") }
            #expect(await lost.value == 0)
            guard case .retired(let info) = store.whereabouts(ofUID: "u7", named: "c7") else {
                Issue.record("it is put away")
                return
            }
            try await store.discardRetired(id: info.id)
            guard case .nowhere = store.whereabouts(ofUID: "u7", named: "c7") else {
                Issue.record("it is gone")
                return
            }
        }
    }

    /// For everybody it is gone; its name is free; and all of it is there again when it comes back, also after the store was opened anew.
    @Test func comesBackWhole() async throws {
        let directory = TemporaryDirectory()
        var id: Int64 = 0
        var bytes: [[UInt8]] = []
        var revision: UInt64 = 0
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster("demo", uid: "u", record: ["ca": "secret"], base: Self.base())
            _ = try await cluster.commit([put("own", ["v": "1"]), put("changed", ["v": "2"]), .delete(key("gone"))])
            let secret = Key(group: "", plural: "secrets", namespace: "default", name: "word")
            _ = try await cluster.commit([.put(try draft("word", data: ["a": "b"]), at: secret)])
            let watch = try cluster.watch(prefix: "")
            id = cluster.id
            bytes = cluster.snapshot.list(prefix: "").map(\.bytes)
            revision = cluster.revision
            let told = Mutex<[CommitBatch.Lifecycle]>([])
            store.observe { batch in told.withLock { $0.append(batch.lifecycle) } }
            try await store.retireCluster("demo")
            #expect(told.withLock { $0 } == [.deleted])
            #expect(cluster.isDeleted)
            #expect(try await store.cluster("demo") == nil)
            #expect(try await store.cluster(id: id) == nil)
            #expect(store.clusters().isEmpty)
            #expect(try await store.clusters(owning: "core/configmaps/").isEmpty)
            #expect(store.keeps(id: id))
            await expectRefusal("noSuchCluster") { try await cluster.commit([put("late")]) }
            await expectRefusal("noSuchCluster") { try await store.retireCluster("demo") }
            _ = watch
        }
        try await withStore(directory: directory.path) { store in
            #expect(store.clusters().isEmpty)
            #expect(store.retiredClusters.map(\.name) == ["demo"])
            let other = try await store.createCluster("demo", uid: "u2", base: Self.base())
            #expect(other.id > id)
            let retired = try #require(try await store.retiredCluster(id: id))
            #expect(retired.record == ["ca": "secret"])
            await expectRefusal("clusterExists") {
                try await store.revive(retired, as: "demo", uid: "u3", with: Self.unchanged(retired))
            }
            let told = Mutex<[String]>([])
            store.observe { batch in
                told.withLock { $0 += ["\(batch.lifecycle)"] + batch.events.map { "\($0.type) \($0.key.name)" } }
            }
            let back = try await store.revive(retired, as: "again", uid: "u3", with: Self.unchanged(retired))
            #expect(told.withLock { $0 } == ["created", "added own", "added changed", "added word"])
            #expect(store.retiredClusters.isEmpty)
            #expect((back.id, back.revision, back.record) == (id, revision, ["ca": "secret"]))
            #expect(back.snapshot.list(prefix: "").map(\.bytes) == bytes)
            _ = try await back.commit([put("next")])
            await expectRefusal("noSuchCluster") {
                try await store.revive(retired, as: "twice", uid: "u4", with: Self.unchanged(retired))
            }
        }
        try await withStore(directory: directory.path) { store in
            let back = try #require(try await store.cluster("again"))
            #expect((back.id, back.uid, back.revision) == (id, "u3", revision + 1))
            #expect(back.snapshot.list(prefix: "").map(\.metadata.name) == ["changed", "next", "own", "shared", "word"])
            #expect(try await store.cluster("demo")?.uid == "u2")
        }
    }

    /// What is another in it when it comes back, and what isn't in it any more, is on the disk in the same transaction.
    @Test func comesBackChanged() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster("demo", uid: "u", base: Self.base())
            _ = try await cluster.commit([put("pod"), put("node"), put("kept")])
            try await store.retireCluster("demo")
            let retired = try #require(try await store.retiredCluster(id: cluster.id))
            let last = retired.snapshot.revision
            var objects = retired.snapshot.entries(prefix: "").map { ($0.key, $0.object) }
            objects.removeAll { ["pod", "node", "shared"].contains($0.0.name) }
            objects.append((key("pod"), try draft("pod", data: ["new": "1"]).sealed(resourceVersion: last + 1)))
            let back = try await store.revive(
                retired, as: "demo", uid: "v", with: RestoredObjects(revision: last + 4, objects: objects))
            #expect(back.revision == last + 4)
            _ = try back.watch(prefix: "", since: last + 4)
        }
        try await withStore(directory: directory.path) { store in
            let back = try #require(try await store.cluster("demo"))
            #expect(back.snapshot.list(prefix: "").map(\.metadata.name) == ["changed", "gone", "kept", "pod"])
            #expect(back.snapshot.get(key("pod"))?.tree["data"] == ["new": "1"])
            #expect(back.revision == 10)
        }
    }

    /// Nothing is left of one that is given up, and its id is never used again.
    @Test func goesForGood() async throws {
        let directory = TemporaryDirectory()
        var id: Int64 = 0
        try await withStore(directory: directory.path) { store in
            id = try await store.createCluster("demo", uid: "u", base: Self.base()).id
            await expectRefusal("noSuchCluster") { try await store.discardRetired(id: id) }
            try await store.retireCluster("demo")
            let retired = try #require(try await store.retiredCluster(id: id))
            try await store.discardRetired(id: id)
            #expect(!store.keeps(id: id))
            await expectRefusal("noSuchCluster") { try await store.discardRetired(id: id) }
            await expectRefusal("noSuchCluster") {
                try await store.revive(retired, as: "demo", uid: "v", with: Self.unchanged(retired))
            }
        }
        try await withStore(directory: directory.path) { store in
            #expect(store.retiredClusters.isEmpty)
            let next = try await store.createCluster("demo", uid: "u", base: Self.base())
            #expect(next.id > id)
        }
    }
}
