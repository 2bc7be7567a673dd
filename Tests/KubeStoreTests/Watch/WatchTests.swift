import KubeObject
import Testing

@testable import KubeStore

struct WatchTests {
    private static let prefix = "core/configmaps/"

    @Test func givesEveryChangeInOrder() async throws {
        try await withCluster { _, cluster in
            let start = cluster.revision
            let watch = try cluster.watch(prefix: WatchTests.prefix)
            _ = try await cluster.commit([put("a"), put("b")])
            _ = try await cluster.commit([put("a", ["x": "1"])])
            _ = try await cluster.commit([.delete(key("b"))])
            var events: [Event] = []
            while events.count < 4, let batch = try await watch.next() { events += batch }
            #expect(
                events.map(told) == [
                    "added a \(start + 1)", "added b \(start + 2)", "modified a \(start + 3)", "deleted b \(start + 4)",
                ])
            #expect(events[2].previous === events[0].object)
            #expect(events[3].object.metadata.resourceVersion == start + 4)
            #expect(events[3].object.tree["metadata"]?["resourceVersion"]?.string == "\(start + 4)")
            #expect(events[3].previous === events[1].object)
            #expect(watch.progress == start + 4)
        }
    }

    @Test func givesOnlyWhatIsUnderItsPrefix() async throws {
        try await withCluster { _, cluster in
            let all = try cluster.watch(prefix: "")
            let kind = try cluster.watch(prefix: "core/secrets/")
            let namespace = try cluster.watch(prefix: "core/configmaps/other/")
            let one = try cluster.watch(prefix: "core/configmaps/default/a")
            _ = try await cluster.commit([
                put("a"), put("b"), .put(draft("c", namespace: "other"), at: key("c", namespace: "other")),
                .put(draft("s"), at: key("s", plural: "secrets")),
            ])
            #expect(try await all.next()?.map(\.key.name) == ["a", "b", "c", "s"])
            #expect(try await kind.next()?.map(\.key.name) == ["s"])
            #expect(try await namespace.next()?.map(\.key.name) == ["c"])
            #expect(try await one.next()?.map(\.key.name) == ["a"])
        }
    }

    @Test func eventsAreSharedBetweenWatchers() async throws {
        try await withCluster { _, cluster in
            let watches = try (0..<3).map { _ in try cluster.watch(prefix: WatchTests.prefix) }
            _ = try await cluster.commit([put("a"), put("b")])
            let first = try #require(try await watches[0].next())
            var made = 0
            for watch in watches.dropFirst() {
                let batch = try #require(try await watch.next())
                #expect(batch.elementsEqual(first, by: ===))
                _ = batch[0].encoding("json") { event in
                    made += 1
                    return event.object.bytes
                }
            }
            #expect(made == 1)
        }
    }

    @Test func resumesFromTheLog() async throws {
        try await withCluster { _, cluster in
            _ = try await cluster.commit([put("a"), put("b")])
            let revision = cluster.revision
            _ = try await cluster.commit([put("c")])
            let watch = try cluster.watch(prefix: WatchTests.prefix, since: revision - 1)
            _ = try await cluster.commit([put("d")])
            var names: [String] = []
            while names.count < 3, let batch = try await watch.next() { names += batch.map(\.key.name) }
            #expect(names == ["b", "c", "d"])
        }
    }

    @Test func refusesWhatIsGoneAndWhatIsToCome() async throws {
        var options = StoreOptions()
        options.logEvents = 3
        try await withCluster(options) { _, cluster in
            for index in 0..<5 { _ = try await cluster.commit([put("n\(index)")]) }
            let revision = cluster.revision
            let error = #expect(throws: StoreError.self) { try cluster.watch(prefix: "", since: revision - 4) }
            guard case .expired(let oldest)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(oldest == revision - 3)
            _ = try cluster.watch(prefix: "", since: oldest)
            let future = #expect(throws: StoreError.self) { try cluster.watch(prefix: "", since: revision + 1) }
            guard case .tooLarge(revision)? = future else {
                Issue.record("\(String(describing: future))")
                return
            }
        }
    }

    @Test func theCurrentRevisionWorksRightAfterLoading() async throws {
        let directory = TemporaryDirectory()
        var revision: UInt64 = 0
        try await withStore(directory: directory.path) { store in
            let cluster = try await store.createCluster("demo", uid: "u", base: Base(version: "1"))
            _ = try await cluster.commit([put("a")])
            revision = cluster.revision
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            #expect(cluster.revision == revision)
            _ = try cluster.watch(prefix: "", since: revision)
            #expect(throws: StoreError.self) { try cluster.watch(prefix: "", since: revision - 1) }
        }
    }

    @Test func aSlowWatcherIsCutOffAfterWhatItHas() async throws {
        var options = StoreOptions()
        options.watchBuffer = 10
        try await withCluster(options) { _, cluster in
            let start = cluster.revision
            let slow = try cluster.watch(prefix: WatchTests.prefix)
            let quick = try cluster.watch(prefix: WatchTests.prefix)
            for index in 0..<20 {
                _ = try await cluster.commit([put("n\(index)")])
                _ = try await quick.next()
            }
            var count = 0
            let error = await #expect(throws: WatchEnd.self) { for try await batch in slow { count += batch.count } }
            #expect(error == .slow)
            #expect(count == 10)
            #expect(slow.progress == start + 10)
            // And it can go on from there.
            let resumed = try cluster.watch(prefix: WatchTests.prefix, since: slow.progress)
            #expect(try await resumed.next()?.count == 10)
        }
    }

    @Test func aBookmarkSaysWhatWasGiven() async throws {
        try await withCluster { _, cluster in
            let start = cluster.revision
            let watch = try cluster.watch(prefix: WatchTests.prefix)
            _ = try await cluster.commit([put("a")])
            #expect(watch.progress == start)  // an event waits
            watch.nudge()
            #expect(try await watch.next()?.count == 1)
            #expect(watch.progress == start + 1)
            #expect(try await watch.next()?.isEmpty == true)
            // Changes elsewhere move the bookmark on.
            _ = try await cluster.commit([.put(draft("s"), at: key("s", plural: "secrets"))])
            #expect(watch.progress == start + 2)
            // A nudge wakes a consumer that waits.
            async let woken = watch.next()
            try await Task.sleep(for: .milliseconds(20))
            watch.nudge()
            #expect(try await woken?.isEmpty == true)
        }
    }

    @Test func cancellingTheTaskEndsTheWatch() async throws {
        try await withCluster { _, cluster in
            let watch = try cluster.watch(prefix: WatchTests.prefix)
            let task = Task { try await watch.next() == nil }
            try await Task.sleep(for: .milliseconds(20))
            task.cancel()
            #expect(try await task.value)
            _ = try await cluster.commit([put("a")])
            #expect(try await watch.next() == nil)
        }
    }

    @Test func deletionAndClosingEndWatchesDistinguishably() async throws {
        try await withStore { store in
            let base = Base(version: "1")
            let deleted = try await store.createCluster("deleted", uid: "1", base: base).watch(prefix: "")
            let closed = try await store.createCluster("closed", uid: "2", base: base).watch(prefix: "")
            try await store.deleteCluster("deleted")
            #expect(await #expect(throws: WatchEnd.self) { try await deleted.next() } == .clusterDeleted)
            await store.close()
            #expect(await #expect(throws: WatchEnd.self) { try await closed.next() } == .closed)
        }
    }

    /// A snapshot and its watch have neither a gap nor an overlap, however many write at the same time.
    @Test func aSnapshotAndItsWatchFitTogether() async throws {
        try await withCluster { _, cluster in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for index in 0..<100 {
                            _ = try await cluster.commit([put("w\(writer)-\(index % 10)", ["n": .string("\(index)")])])
                        }
                    }
                }
                for _ in 0..<20 {
                    group.addTask {
                        let (snapshot, watch) = try cluster.snapshotAndWatch(prefix: WatchTests.prefix)
                        var revision = snapshot.revision
                        var known = Dictionary(
                            uniqueKeysWithValues: snapshot.entries(prefix: WatchTests.prefix).map { ($0.key, $0.object) })
                        while revision < 401 {
                            for event in try await watch.next() ?? [] {
                                #expect(event.revision == revision + 1)
                                #expect(event.previous === known[event.key])
                                known[event.key] = event.object
                                revision = event.revision
                            }
                        }
                        let end = cluster.snapshot
                        #expect(known.count == end.count(prefix: WatchTests.prefix))
                        for (key, object) in known { #expect(end.get(key) === object) }
                    }
                    await Task.yield()
                }
                try await group.waitForAll()
            }
        }
    }
}
