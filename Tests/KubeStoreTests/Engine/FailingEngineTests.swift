import Foundation
import KubeObject
import Synchronization
import Testing

@testable import KubeStore

/// An engine whose commits fail while it is told to.
private final class FailingEngine: StoreEngine {
    let error = Mutex<StoreError?>(nil)
    let batches = Mutex<[EngineBatch]>([])

    func contents() -> EngineContents { EngineContents() }
    func commit(_ batch: EngineBatch) throws(StoreError) {
        if let error = error.withLock({ $0 }) { throw error }
        batches.withLock { $0.append(batch) }
    }
    func load(_ id: Int64, _ completion: @escaping @Sendable (Result<StoredCluster?, StoreError>) -> Void) {
        completion(.failure(.unavailable("no load")))
    }
    func clusters(owning prefix: String, _ completion: @escaping @Sendable (Result<[Int64], StoreError>) -> Void) {
        completion(.success([]))
    }
    func purge(limit: Int, sparing coming: Set<Int64>) -> Bool { false }
    var needsCheckpoint: Bool { false }
    func checkpoint() {}
    func close() {}
}

struct FailingEngineTests {
    @Test func aFailedBatchChangesNothingAndIsToldToAll() async throws {
        let engine = FailingEngine()
        let store = try Store(
            engine: engine, lock: nil, options: StoreOptions(), clock: ContinuousClock(), logger: quiet)
        let cluster = try await store.createCluster("demo", uid: "d", base: Base(version: "1"), writes: [put("a")])
        let watch = try cluster.watch(prefix: "")
        let observed = Shared(0)
        store.observe { _ in observed.change { $0 += 1 } }
        let before = cluster.snapshot

        engine.error.withLock { $0 = .diskFull("test") }
        await expectRefusal("diskFull") { try await cluster.commit([put("b")]) }
        // A refusal may rest on a change that failed as well, so it says no more than that.
        await expectRefusal("diskFull") {
            try await store.createCluster("second", uid: "s", base: Base(version: "2"), writes: [put("x")])
        }
        await expectRefusal("diskFull") { try await store.deleteCluster("demo") }
        await expectRefusal("diskFull") { try await cluster.updateRecord(["x": 1]) }
        #expect(cluster.revision == before.revision)
        #expect(cluster.snapshot.count(prefix: "") == 1)
        #expect(!cluster.isDeleted)
        #expect(cluster.record == .object([:]))
        #expect(store.clusters().map(\.name) == ["demo"])
        #expect(observed.value == 0)

        engine.error.withLock { $0 = nil }
        let stored = try await cluster.commit([put("c")])
        #expect(stored[0]?.metadata.resourceVersion == before.revision + 1)
        #expect(try await watch.next()?.map(\.key.name) == ["c"])
        let second = try await store.createCluster("second", uid: "s", base: Base(version: "2"))
        #expect(second.id == cluster.id + 1)
        await store.close()
    }

    /// What many callers queue while the disk is busy becomes one transaction.
    @Test func commitsAreGrouped() async throws {
        let engine = FailingEngine()
        let store = try Store(
            engine: engine, lock: nil, options: StoreOptions(), clock: ContinuousClock(), logger: quiet)
        let clusters = [
            try await store.createCluster("a", uid: "a", base: Base(version: "1")),
            try await store.createCluster("b", uid: "b", base: Base(version: "1")),
        ]
        // The first commit is slow, as on a busy disk.
        let arrived = Shared(false)
        store.observe { _ in
            if arrived.becomesTrue { Thread.sleep(forTimeInterval: 0.2) }
        }
        let before = engine.batches.withLock { $0.count }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<41 {
                group.addTask { _ = try await clusters[index % 2].commit([put("n\(index)")]) }
            }
            try await group.waitForAll()
        }
        let batches = engine.batches.withLock { Array($0[before...]) }
        #expect(batches.count < 10)
        #expect(batches.map(\.rows.count).reduce(0, +) == 41)
        #expect(clusters.map(\.revision) == [22, 21])
        await store.close()
    }
}
