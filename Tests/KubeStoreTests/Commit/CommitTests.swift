import Dispatch
import KubeObject
import Testing

@testable import KubeStore

struct CommitTests {
    @Test func aPutIsReadBackWithItsRevision() async throws {
        try await withCluster { _, cluster in
            let start = cluster.revision
            let results = try await cluster.commit([put("a", ["x": "1"]), put("b")])
            #expect(results.map { $0?.metadata.resourceVersion } == [start + 1, start + 2])
            let snapshot = cluster.snapshot
            #expect(snapshot.revision == start + 2)
            let stored = try #require(snapshot.get(key("a")))
            #expect(stored === results[0])
            #expect(stored.tree["metadata"]?["resourceVersion"]?.string == "\(start + 1)")
            #expect(stored.tree["data"]?["x"]?.string == "1")
            #expect(snapshot.list(prefix: "core/configmaps/default/").count == 2)
        }
    }

    @Test func expectationsAreChecked() async throws {
        try await withCluster { _, cluster in
            let first = try await cluster.commit([put("a", expect: .absent)])
            let revision = try #require(first[0]?.metadata.resourceVersion)

            await expectRefusal("alreadyExists") { try await cluster.commit([put("a", expect: .absent)]) }
            await expectRefusal("conflict") { try await cluster.commit([put("a", expect: .revision(revision + 1))]) }
            await expectRefusal("notFound") { try await cluster.commit([put("b", expect: .revision(revision))]) }
            await expectRefusal("notFound") { try await cluster.commit([put("b", expect: .present)]) }
            await expectRefusal("notFound") { try await cluster.commit([.delete(key("b"), expect: .present)]) }
            await expectRefusal("conflict") { try await cluster.commit([.delete(key("a"), expect: .revision(1))]) }
            await expectRefusal("notFound") { try await cluster.commit([.check(key("b"), expect: .present)]) }
            #expect(cluster.revision == revision)

            _ = try await cluster.commit([put("a", expect: .revision(revision))])
            _ = try await cluster.commit([put("a", expect: .present)])
            #expect(try await cluster.commit([.delete(key("b"))])[0] == nil)
            #expect(try await cluster.commit([.check(key("a"), expect: .present)])[0] == nil)
            #expect(cluster.revision == revision + 2)
        }
    }

    @Test func revisionsCanBeTakenWithoutAChangeOnceAMinute() async throws {
        try await withCluster { _, cluster in
            _ = try await cluster.commit([put("a")])
            let before = cluster.snapshot
            try await cluster.advance()
            let after = cluster.snapshot
            #expect(after.revision > before.revision)
            #expect(after.count(prefix: "") == before.count(prefix: ""))
            try await cluster.advance()
            #expect(cluster.revision == after.revision)
        }
    }

    @Test func aConflictGivesTheCurrentObject() async throws {
        try await withCluster { _, cluster in
            let stored = try await cluster.commit([put("a")])
            do {
                _ = try await cluster.commit([put("a", expect: .revision(99))])
                Issue.record("no conflict")
            } catch StoreError.conflict(let conflicting, let current) {
                #expect(conflicting == key("a"))
                #expect(current === stored[0])
            }
        }
    }

    @Test func aTransactionIsAllOrNothing() async throws {
        try await withCluster { _, cluster in
            let revision = cluster.revision
            await expectRefusal("notFound") {
                try await cluster.commit([put("a"), put("b"), .delete(key("x"), expect: .present)])
            }
            #expect(cluster.revision == revision)
            #expect(cluster.snapshot.count(prefix: "") == 0)
            // Later writes of a transaction see the earlier ones.
            _ = try await cluster.commit([
                put("a", expect: .absent), put("a", expect: .revision(revision + 1)), .delete(key("a"), expect: .present),
                put("a", expect: .absent),
            ])
            #expect(cluster.snapshot.get(key("a"))?.metadata.resourceVersion == revision + 4)
        }
    }

    @Test func optimisticRetriesMakeExactlyAsManyIncrements() async throws {
        try await withCluster { _, cluster in
            _ = try await cluster.commit([put("counter", ["n": "0"])])
            let conflicts = Shared(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        for _ in 0..<25 {
                            while true {
                                let current = try #require(cluster.snapshot.get(key("counter")))
                                let number = Int(current.tree["data"]?["n"]?.string ?? "") ?? -1
                                let next = try put(
                                    "counter", ["n": .string("\(number + 1)")],
                                    expect: .revision(current.metadata.resourceVersion))
                                do {
                                    _ = try await cluster.commit([next])
                                    break
                                } catch StoreError.conflict {
                                    conflicts.change { $0 += 1 }
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(cluster.snapshot.get(key("counter"))?.tree["data"]?["n"]?.string == "400")
            #expect(cluster.revision == 402)
            #expect(conflicts.value > 0)
        }
    }

    @Test func observersAreToldOfEverythingInOrderBeforeTheCaller() async throws {
        try await withStore { store in
            let seen = Shared<[(cluster: String, lifecycle: CommitBatch.Lifecycle, revisions: [UInt64])]>([])
            store.observe { batch in
                // What an observer is told of is already visible.
                if let last = batch.events.last { #expect(batch.cluster.revision >= last.revision) }
                seen.change { $0.append((batch.cluster.name, batch.lifecycle, batch.events.map(\.revision))) }
            }
            let a = try await store.createCluster("a", uid: "a", base: Base(version: "1"), writes: [put("x"), put("y")])
            let b = try await store.createCluster("b", uid: "b", base: Base(version: "1"))
            #expect(seen.value.map(\.cluster) == ["a", "b"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let object = try await (index % 2 == 0 ? a : b).commit([put("n\(index)")])[0]
                        let revision = try #require(object?.metadata.resourceVersion)
                        let name = index % 2 == 0 ? "a" : "b"
                        #expect(seen.value.contains { $0.cluster == name && $0.revisions.contains(revision) })
                    }
                }
                try await group.waitForAll()
            }
            try await store.deleteCluster("a")
            let all = seen.value
            #expect(all.filter { $0.cluster == "a" }.flatMap(\.revisions) == Array(2...28))
            #expect(all.filter { $0.cluster == "b" }.flatMap(\.revisions) == Array(2...26))
            #expect(all.first?.lifecycle == .created)
            #expect(all.last?.lifecycle == .deleted)
        }
    }

    @Test func tooMuchAtOnceIsRefusedNotQueued() async throws {
        var options = StoreOptions()
        options.queuedWrites = 8
        try await withCluster(options) { store, cluster in
            // The writer is held up in the first commit until the others have queued their writes or been refused.
            let arrived = Shared(false)
            let gate = DispatchSemaphore(value: 0)
            store.observe { _ in
                if arrived.becomesTrue { gate.wait() }
            }
            let refused = Shared(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await cluster.commit([put("first")]) }
                while !arrived.value { try await Task.sleep(for: .milliseconds(1)) }
                for index in 0..<12 {
                    group.addTask {
                        do {
                            _ = try await cluster.commit([put("n\(index)")])
                        } catch StoreError.overloaded {
                            let count = refused.change { count in
                                count += 1
                                return count
                            }
                            if count == 4 { gate.signal() }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(refused.value == 4)
            #expect(cluster.snapshot.count(prefix: "") == 9)
        }
    }

    @Test func bigTransactionsAreDoneOneAtATime() async throws {
        var options = StoreOptions()
        options.queuedBytes = 10_000
        options.batchBytes = 1_000
        try await withCluster(options) { _, cluster in
            // Bigger than every limit, and yet there is nothing before it.
            _ = try await cluster.commit([put("big", ["p": .string(String(repeating: "x", count: 50_000))])])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<10 {
                    group.addTask {
                        _ = try await cluster.commit([put("n\(index)", ["p": .string(String(repeating: "x", count: 700))])])
                    }
                }
                try await group.waitForAll()
            }
            #expect(cluster.snapshot.count(prefix: "") == 11)
        }
    }

    @Test func nothingIsWrittenAfterClosing() async throws {
        try await withCluster { store, cluster in
            _ = try await store.createCluster("unloaded", uid: "u", base: Base(version: "1"))
            for tick in 1...5 { store.keepHouse(tick: tick) }
            await store.close()
            await expectRefusal("closed") { try await store.cluster("unloaded") }
            await expectRefusal("closed") { try await cluster.commit([put("a")]) }
            await store.close()
        }
    }
}
