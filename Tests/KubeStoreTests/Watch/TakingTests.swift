import Synchronization
import Testing

@testable import KubeStore

/// A consumer that doesn't wait for events but is told when to take them.
struct TakingTests {
    private static let prefix = "core/configmaps/"

    private final class Bell: Sendable {
        private let count = Mutex(0)
        var rings: Int { count.withLock { $0 } }
        func ring() { count.withLock { $0 += 1 } }
    }

    private func taken(_ watch: WatchSubscription) -> [String]? {
        guard case .batch(let batch)? = watch.take() else { return nil }
        return batch.events.map(\.key.name)
    }

    @Test func isToldOnceEachTimeThatItFoundNothing() async throws {
        try await withCluster { _, cluster in
            let watch = try cluster.watch(prefix: TakingTests.prefix)
            let bell = Bell()
            watch.listen { bell.ring() }
            _ = try await cluster.commit([put("a")])
            #expect(bell.rings == 0)
            #expect(taken(watch) == ["a"])
            #expect(taken(watch) == nil)
            _ = try await cluster.commit([put("b"), put("c")])
            _ = try await cluster.commit([put("d")])
            #expect(bell.rings == 1)
            #expect(taken(watch) == ["b", "c"])
            #expect(taken(watch) == ["d"])
            #expect(watch.progress == cluster.revision)
            #expect(taken(watch) == nil)
            watch.nudge()
            #expect(bell.rings == 2)
            #expect(taken(watch) == [])
            #expect(taken(watch) == nil)
            watch.cancel()
            #expect(bell.rings == 3)
            guard case .cancelled? = watch.take() else {
                Issue.record("not cancelled")
                return
            }
        }
    }

    @Test func whoWatchesTheSameGetsTheSameBatch() async throws {
        try await withCluster { _, cluster in
            let watches = try (0..<3).map { _ in try cluster.watch(prefix: TakingTests.prefix) }
            _ = try await cluster.commit([put("a"), put("b")])
            var made = 0
            for watch in watches {
                guard case .batch(let batch)? = watch.take() else {
                    Issue.record("nothing")
                    return
                }
                let text: String = batch.encoding("names") {
                    made += 1
                    return batch.events.map(\.key.name).joined()
                }
                #expect(text == "ab")
            }
            #expect(made == 1)
        }
    }

    @Test func aSlowOneIsCutOffAfterWhatItHas() async throws {
        var options = StoreOptions()
        options.watchBuffer = 3
        try await withCluster(options) { _, cluster in
            let watch = try cluster.watch(prefix: TakingTests.prefix)
            let bell = Bell()
            watch.listen { bell.ring() }
            #expect(taken(watch) == nil)
            // More at once than may wait: it had nothing, so it isn't slow.
            _ = try await cluster.commit([put("a"), put("b"), put("c"), put("d")])
            _ = try await cluster.commit([put("e")])
            #expect(bell.rings == 1)
            #expect(taken(watch) == ["a", "b", "c", "d"])
            guard case .ended(.slow)? = watch.take() else {
                Issue.record("not cut off")
                return
            }
        }
    }

    @Test func theListenerIsLetGoOfAtTheEnd() async throws {
        try await withCluster { _, cluster in
            weak var bell: Bell?
            let watch = try cluster.watch(prefix: TakingTests.prefix)
            do {
                let strong = Bell()
                bell = strong
                watch.listen { strong.ring() }
            }
            #expect(bell != nil)
            watch.cancel()
            #expect(bell == nil)
            do {
                let late = Bell()
                bell = late
                watch.listen { late.ring() }
            }
            #expect(bell == nil)
        }
    }
}
