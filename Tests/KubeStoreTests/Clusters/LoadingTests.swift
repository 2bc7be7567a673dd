import KubeObject
import Testing

@testable import KubeStore

struct LoadingTests {
    private static let base = Base(version: "1")

    @Test func anIdleClusterIsLetGoOfAndComesBack() async throws {
        try await withStore { store in
            _ = try await store.createCluster("demo", uid: "1", base: LoadingTests.base, writes: [put("a")])
            for tick in 1...4 { store.keepHouse(tick: tick) }
            #expect(store.loadedClusters.count == 1)
            store.keepHouse(tick: 5)
            #expect(store.loadedClusters.isEmpty)
            let again = try #require(try await store.cluster("demo"))
            #expect(again.snapshot.list(prefix: "").map(\.metadata.name) == ["a"])
        }
    }

    @Test func whatIsHeldOrWatchedStays() async throws {
        try await withStore { store in
            for name in ["held", "watched", "idle"] {
                _ = try await store.createCluster(name, uid: name, base: LoadingTests.base)
            }
            let hold = try #require(try await store.cluster("held")?.hold())
            let watch = try #require(try await store.cluster("watched")?.watch(prefix: ""))
            for tick in 1...6 { store.keepHouse(tick: tick) }
            #expect(Set(store.loadedClusters.map(\.name)) == ["held", "watched"])
            #expect(try await store.cluster("held") === hold.cluster)
            _ = try await store.cluster("watched")?.commit([put("a")])
            #expect(try await watch.next()?.count == 1)
        }
    }

    @Test func useKeepsAClusterLoaded() async throws {
        try await withStore { store in
            _ = try await store.createCluster("used", uid: "1", base: LoadingTests.base)
            _ = try await store.createCluster("idle", uid: "2", base: LoadingTests.base)
            for tick in 1...12 {
                store.keepHouse(tick: tick)
                _ = try await store.cluster("used")
            }
            #expect(store.loadedClusters.map(\.name) == ["used"])
        }
    }

    @Test func noMoreThanTheBudgetStayLoaded() async throws {
        var options = StoreOptions()
        options.idleClusters = 10
        try await withStore(options) { store in
            _ = try await store.createCluster("often", uid: "o", base: LoadingTests.base)
            for index in 0..<50 {
                _ = try await store.createCluster("c\(index)", uid: "\(index)", base: LoadingTests.base)
                _ = try await store.cluster("often")
            }
            #expect(store.loadedClusters.count == 10)
            #expect(store.loadedClusters.contains { $0.name == "often" })
        }
        options.idleClusters = 1_000
        options.idleBytes = 100_000
        try await withStore(options) { store in
            for index in 0..<50 { _ = try await store.createCluster("c\(index)", uid: "\(index)", base: LoadingTests.base) }
            #expect(store.loadedClusters.count <= 12)
        }
    }

    @Test func loadsAtTheSameTimeAreJoined() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            _ = try await store.createCluster("demo", uid: "1", base: LoadingTests.base, writes: [put("a")])
        }
        try await withStore(directory: directory.path) { store in
            let instances = try await withThrowingTaskGroup(of: LogicalCluster?.self) { group in
                for _ in 0..<50 { group.addTask { try await store.cluster("demo") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(instances.count == 50)
            #expect(Set(instances.map { $0.map(ObjectIdentifier.init) }).count == 1)
        }
    }

    /// Clusters come and go from memory while they are written, and no write is lost.
    @Test func unloadingLosesNothing() async throws {
        var options = StoreOptions()
        options.idleClusters = 2
        try await withStore(options) { store in
            for index in 0..<8 { _ = try await store.createCluster("c\(index)", uid: "\(index)", base: LoadingTests.base) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        for round in 0..<40 {
                            let cluster = try #require(try await store.cluster("c\((writer + round) % 8)"))
                            _ = try await cluster.commit([put("w\(writer)-r\(round)", expect: .absent)])
                        }
                    }
                }
                try await group.waitForAll()
            }
            for index in 0..<8 {
                let cluster = try #require(try await store.cluster("c\(index)"))
                #expect(cluster.snapshot.count(prefix: "") == 40)
                #expect(cluster.revision == 41)
            }
        }
    }

    @Test func clustersThatOwnAKindAreFoundWithoutLoading() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            for index in 0..<6 {
                let cluster = try await store.createCluster(
                    "c\(index)", uid: "\(index)", base: LoadingTests.base, writes: [put("a")])
                if index % 3 == 0 { _ = try await cluster.commit([.put(draft("p"), at: key("p", plural: "pods"))]) }
            }
        }
        try await withStore(directory: directory.path) { store in
            let withPods = try await store.clusters(owning: "core/pods/")
            #expect(withPods.map(\.name) == ["c0", "c3"])
            let withSecrets = try await store.clusters(owning: "core/secrets/")
            #expect(withSecrets.isEmpty)
            #expect(store.loadedClusters.isEmpty)
        }
    }

    @Test func manyNamesAreReadAtTheStart() async throws {
        let directory = TemporaryDirectory()
        try await withStore(directory: directory.path) { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<2_000 {
                    group.addTask { _ = try await store.createCluster("c\(index)", uid: "\(index)", base: LoadingTests.base) }
                }
                try await group.waitForAll()
            }
        }
        try await withStore(directory: directory.path) { store in
            #expect(store.clusters().count == 2_000)
            #expect(store.loadedClusters.isEmpty)
            #expect(store.info("c1999")?.uid == "1999")
        }
    }

    @Test func aWholeClusterThatDoesNotFitTheBudgetCanStillBeUsed() async throws {
        var options = StoreOptions()
        options.idleBytes = 1
        try await withStore(options) { store in
            let cluster = try await store.createCluster("demo", uid: "1", base: LoadingTests.base)
            _ = try await cluster.commit([put("a")])
            #expect(try await store.cluster("demo") === cluster)
        }
    }

    @Test func housekeepingRunsByTheClockAndClosesAtTheEnd() async throws {
        let directory = TemporaryDirectory()
        var options = StoreOptions()
        options.idleTime = .milliseconds(20)
        let store = try Store.open(directory: directory.path, options: options, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.run() }
            _ = try await store.createCluster("demo", uid: "1", base: LoadingTests.base)
            while !store.loadedClusters.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
            try await group.waitForAll()
        }
        await expectRefusal("closed") { try await store.createCluster("late", uid: "2", base: LoadingTests.base) }
        let again = try Store.open(directory: directory.path, logger: quiet)
        #expect(again.clusters().map(\.name) == ["demo"])
        await again.close()
    }
}
