import KubeObject
import Testing

@testable import KubeStore

struct ClusterArrivalsTests {
    private static let base = Base(version: "1")

    @Test func whoWaitsHearsOfTheCluster() async throws {
        try await withStore { store in
            async let arrived: Void = store.untilClusterExists("demo")
            _ = try await store.createCluster("other", uid: "1", base: Self.base)
            _ = try await store.createCluster("demo", uid: "2", base: Self.base)
            await arrived
            #expect(store.info("demo")?.uid == "2")
        }
    }

    @Test func whatIsThereIsNotWaitedFor() async throws {
        try await withStore { store in
            _ = try await store.createCluster("demo", uid: "1", base: Self.base)
            await store.untilClusterExists("demo")
        }
    }

    @Test func anotherNameWakesNobody() async {
        let arrivals = ClusterArrivals()
        await withTaskGroup(of: Void.self) { group in
            for name in ["a", "a", "b"] { group.addTask { await arrivals.wait(for: name) { false } } }
            while arrivals.count < 3 { await Task.yield() }
            arrivals.announce("c")
            #expect(arrivals.count == 3)
            arrivals.announce("a")
            #expect(arrivals.count == 1)
            arrivals.announce("b")
        }
        #expect(arrivals.count == 0)
    }

    @Test func aCancelledTaskWaitsNoMore() async {
        let arrivals = ClusterArrivals()
        for waits in [true, false] {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await arrivals.wait(for: "a") { false } }
                while waits, arrivals.count < 1 { await Task.yield() }
                group.cancelAll()
            }
            #expect(arrivals.count == 0)
        }
    }
}
