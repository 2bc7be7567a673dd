import KubeObject
import Testing

@testable import KubeStore

struct ClusterTests {
    private static func base(_ version: String = "1", _ names: [String] = ["x", "y"]) throws -> Base {
        Base(version: version, objects: try names.map { (key($0), try draft($0, data: ["v": .string(version)])) })
    }

    @Test func creationIsAtomic() async throws {
        try await withStore { store in
            await expectRefusal("alreadyExists") {
                try await store.createCluster(
                    "demo", uid: "1", base: ClusterTests.base(), writes: [put("a"), put("x", expect: .absent)])
            }
            #expect(store.clusters().isEmpty)
            #expect(try await store.cluster("demo") == nil)

            let cluster = try await store.createCluster(
                "demo", uid: "2", record: ["ca": "secret"], base: ClusterTests.base(), writes: [put("a")])
            #expect(cluster.record["ca"]?.string == "secret")
            #expect(cluster.revision == 3)
            #expect(cluster.snapshot.list(prefix: "").map(\.metadata.name) == ["a", "x", "y"])
            #expect(cluster.snapshot.list(prefix: "").map(\.metadata.resourceVersion) == [3, 1, 2])
            #expect(store.clusters() == [ClusterInfo(id: cluster.id, name: "demo", uid: "2")])
            await expectRefusal("clusterExists") {
                try await store.createCluster("demo", uid: "3", base: ClusterTests.base())
            }
        }
    }

    /// Whoever finds a new cluster finds its first objects too, however early they look.
    @Test func newClustersAreSeenWhole() async throws {
        try await withStore { store in
            let count = 400
            let base = try ClusterTests.base()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for index in 0..<count {
                        _ = try await store.createCluster("c\(index)", uid: "\(index)", base: base, writes: [put("own")])
                    }
                }
                group.addTask {
                    for index in 0..<count {
                        var found: LogicalCluster?
                        while found == nil {
                            found = try await store.cluster("c\(index)")
                            try Task.checkCancellation()
                        }
                        let cluster = try #require(found)
                        #expect(cluster.snapshot.list(prefix: "").map(\.metadata.name) == ["own", "x", "y"])
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func ofManyThatCreateOneNameOneSucceeds() async throws {
        try await withStore { store in
            let base = Base(version: "1")
            let created = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<20 {
                    group.addTask { (try? await store.createCluster("same", uid: "\(index)", base: base)) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(created == 1)
        }
    }

    @Test func stateSurvivesReopening() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster(
                "demo", uid: "1", record: ["n": 1], base: ClusterTests.base(), writes: [put("a"), put("b")])
            _ = try await cluster.commit([.delete(key("x")), .delete(key("b")), put("y", ["v": "own"])])
            try await cluster.updateRecord(["n": 2])
            #expect(cluster.record["n"]?.int == 2)
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            #expect(cluster.revision == 7)
            #expect(cluster.record["n"]?.int == 2)
            let objects = cluster.snapshot.list(prefix: "")
            #expect(objects.map(\.metadata.name) == ["a", "y"])
            #expect(objects.map(\.metadata.resourceVersion) == [3, 7])
            #expect(objects[1].tree["data"]?["v"]?.string == "own")
            // A deleted object of the base can come back.
            _ = try await cluster.commit([put("x", expect: .absent)])
            #expect(cluster.revision == 8)
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.cluster("demo")
            #expect(cluster?.snapshot.count(prefix: "") == 3)
        }
    }

    /// The stored objects say most of a cluster's revisions themselves.
    @Test func revisionsSurviveReopeningWhateverCameLast() async throws {
        let directory = TemporaryDirectory()
        var revision: UInt64 = 0
        let batches: [[Write]] = [
            [try put("a"), try put("b")], [.delete(key("b"))], [try put("a", ["x": "1"])], [.delete(key("a")), try put("c")],
            [try put("s"), .delete(key("c"))], [.delete(key("s"))], [try put("a", ["x": "2"])],
        ]
        try await withStore(directory: directory.path) { store in
            revision = try await store.createCluster("demo", uid: "d", base: Base(version: "1"), writes: []).revision
        }
        for batch in batches {
            try await withStore(directory: directory.path) { store in
                let cluster = try #require(try await store.cluster("demo"))
                #expect(cluster.revision == revision)
                _ = try await cluster.commit(batch)
                revision = cluster.revision
            }
        }
    }

    @Test func objectsOfTheBaseAreShared() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            let base = try ClusterTests.base()
            let a = try await store.createCluster("a", uid: "a", base: base)
            let b = try await store.createCluster("b", uid: "b", base: try ClusterTests.base())
            #expect(a.snapshot.get(key("x")) === b.snapshot.get(key("x")))
        }
        try await withStore(directory: directory.path) { store in
            let a = try #require(try await store.cluster("a"))
            let b = try await store.createCluster("c", uid: "c", base: try ClusterTests.base())
            #expect(a.snapshot.get(key("x")) === b.snapshot.get(key("x")))
        }
    }

    @Test func anotherBaseLeavesOldClustersAsTheyAre() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("old", uid: "1", base: ClusterTests.base("1", ["x", "y"]))
        }
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("new", uid: "2", base: ClusterTests.base("2", ["y", "z"]))
            // The same version with other content is another base.
            _ = try await store.createCluster("odd", uid: "3", base: ClusterTests.base("2", ["q"]))
        }
        try await withStore(directory: directory.path) { store in
            var names: [String: [String]] = [:]
            for name in ["old", "new", "odd"] {
                names[name] = try await store.cluster(name)?.snapshot.list(prefix: "").map(\.metadata.name)
            }
            #expect(names == ["old": ["x", "y"], "new": ["y", "z"], "odd": ["q"]])
        }
    }

    @Test func aNameCanBeUsedAgainAtOnce() async throws {
        let directory = TemporaryDirectory()
        var ids: [Int64] = []
        try await withStore(directory: directory.path) { store in
            for round in 0..<3 {
                let cluster = try await store.createCluster(
                    "demo", uid: "\(round)", base: Base(version: "1"), writes: [put("n\(round)")])
                ids.append(cluster.id)
                #expect(cluster.snapshot.list(prefix: "").map(\.metadata.name) == ["n\(round)"])
                try await store.deleteCluster("demo")
                #expect(cluster.isDeleted)
                await expectRefusal("noSuchCluster") { try await cluster.commit([put("late")]) }
                await expectRefusal("noSuchCluster") { try await cluster.updateRecord(["late": true]) }
                await expectRefusal("noSuchCluster") { try cluster.watch(prefix: "") }
                await expectRefusal("noSuchCluster") { try await store.deleteCluster("demo") }
            }
        }
        try await withStore(directory: directory.path) { store in
            #expect(store.clusters().isEmpty)
            ids.append(try await store.createCluster("demo", uid: "9", base: Base(version: "1")).id)
        }
        #expect(Set(ids).count == 4 && ids == ids.sorted())
    }

    @Test func anEarlierRevisionCanBeSeenAgain() async throws {
        var options = StoreOptions()
        options.logEvents = 50
        try await withCluster(options) { _, cluster in
            var random = Seeded(state: 7)
            var seen: [UInt64: [String: UInt64]] = [:]
            for _ in 0..<80 {
                let name = "n\(Int.random(in: 0..<10, using: &random))"
                _ = try await cluster.commit([Bool.random(using: &random) ? put(name) : .delete(key(name))])
                seen[cluster.revision] = contents(cluster.snapshot)
            }
            for revision in (cluster.revision - 50)...cluster.revision {
                let snapshot = try cluster.snapshot(at: revision)
                #expect(snapshot.revision == revision)
                #expect(contents(snapshot) == seen[revision] ?? [:])
            }
            await expectRefusal("expired") { try cluster.snapshot(at: cluster.revision - 51) }
            await expectRefusal("tooLarge") { try cluster.snapshot(at: cluster.revision + 1) }
        }
    }

    private func contents(_ snapshot: Snapshot) -> [String: UInt64] {
        Dictionary(
            uniqueKeysWithValues: snapshot.entries(prefix: "").map { ($0.key.name, $0.object.metadata.resourceVersion) })
    }

    @Test func listsGoOnAfterAKey() async throws {
        try await withCluster { _, cluster in
            _ = try await cluster.commit((10..<60).map { try put("n\($0)") } + [.put(draft("z"), at: key("z", namespace: "z"))])
            let snapshot = cluster.snapshot
            let prefix = "core/configmaps/default/"
            #expect(snapshot.count(prefix: prefix) == 50)
            #expect(snapshot.count(prefix: "core/configmaps/") == 51)
            #expect(snapshot.count(prefix: "core/configmaps") == 51)
            #expect(snapshot.count(prefix: "core/pods/") == 0)
            #expect(snapshot.count(prefix: prefix, after: key("n29")) == 30)
            #expect(snapshot.list(prefix: prefix, after: key("n29"), limit: 2).map(\.metadata.name) == ["n30", "n31"])
            #expect(snapshot.list(prefix: prefix, after: key("n29x"), limit: 1).map(\.metadata.name) == ["n30"])
            #expect(snapshot.list(prefix: prefix, after: key("n59")).isEmpty)
            #expect(snapshot.list(prefix: prefix, after: Key("zzz")).isEmpty)
            #expect(snapshot.list(prefix: prefix, after: Key("a")).count == 50)
            #expect(snapshot.list(prefix: prefix, limit: 0).isEmpty)
        }
    }
}
