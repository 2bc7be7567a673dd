import KubeObject
import Synchronization
import Testing

@testable import KubeStore

struct RestoredClusterTests {
    private static func object(_ name: String, _ revision: UInt64, _ data: JSON = [:]) throws -> (key: Key, object: Object) {
        (key(name), try draft(name, data: data).sealed(resourceVersion: revision))
    }

    /// What was before is there to the byte, and what follows it has the next revisions; also after the store was opened anew.
    @Test func goesOnWhereAnotherWas() async throws {
        let directory = TemporaryDirectory()
        let base = try Base(version: "1", objects: ["same", "other", "gone"].map { (key($0), try draft($0)) })
        let same = try #require(base.snapshot.get(key("same")))
        let objects = [
            (key("same"), same), try Self.object("other", 40, ["v": "2"]), try Self.object("own", 17, ["v": "1"]),
        ]
        try await withStore(directory: directory.path) { store in
            let told = Mutex<[String]>([])
            store.observe { batch in told.withLock { $0 += batch.events.map { "\($0.type) \($0.key.name) \($0.revision)" } } }
            let cluster = try await store.createCluster(
                "demo", uid: "u", record: ["ca": "secret"], base: base,
                restored: RestoredObjects(revision: 50, objects: objects), writes: [put("new")])
            #expect(cluster.revision == 51)
            #expect(cluster.snapshot.get(key("same")) === base.snapshot.get(key("same")))
            #expect(told.withLock { $0 } == ["added own 17", "added other 40", "added new 51"])
            // A client that had seen everything goes on; one that hadn't lists again.
            _ = try cluster.watch(prefix: "", since: 50)
            await expectRefusal("expired") { try cluster.watch(prefix: "", since: 49) }
        }
        try await withStore(directory: directory.path) { store in
            let cluster = try #require(try await store.cluster("demo"))
            #expect(cluster.revision == 51)
            #expect(cluster.snapshot.list(prefix: "").map(\.metadata.name) == ["new", "other", "own", "same"])
            #expect(cluster.snapshot.get(key("other"))?.bytes == objects[1].1.bytes)
            #expect(cluster.ownObjects == 1)
            _ = try await cluster.commit([put("next")])
            #expect(cluster.revision == 52)
        }
    }

    /// What happened on the way here is told to those who watched before.
    @Test func watchesGoOnThroughWhatHappenedOnTheWay() async throws {
        try await withStore { store in
            let (place, old) = try Self.object("a", 5, ["v": "1"])
            let new = try Self.object("a", 9, ["v": "2"]).object
            let event = Event(type: .modified, key: place, object: new, previous: old, revision: 9)
            let cluster = try await store.createCluster(
                "demo", uid: "u", base: Base(version: "empty"),
                restored: RestoredObjects(revision: 9, objects: [(place, new)], events: [event]))
            #expect(cluster.revision == 9)
            #expect(try cluster.snapshot(at: 8).get(place)?.bytes == old.bytes)
            let watch = try cluster.watch(prefix: "", since: 8)
            _ = try await cluster.commit([put("b")])
            var events: [Event] = []
            while events.count < 2, let batch = try await watch.next() { events += batch }
            #expect(events.map(told) == ["modified a 9", "added b 10"])
            await expectRefusal("expired") { try cluster.watch(prefix: "", since: 7) }
            #expect(throws: StoreError.self) {
                try RestoredObjects(revision: 10, objects: [(place, new)], events: [event])
            }
        }
    }

    @Test func isMadeAsAWholeOrNotAtAll() async throws {
        try await withStore { store in
            let restored = try RestoredObjects(revision: 9, objects: [Self.object("a", 3)])
            await expectRefusal("alreadyExists") {
                try await store.createCluster(
                    "demo", uid: "1", base: Base(version: "empty"), restored: restored, writes: [put("a", expect: .absent)])
            }
            #expect(store.info("demo") == nil)
        }
    }

    /// The rest of the store counts on it.
    @Test func whatCantHaveBeenIsRefused() throws {
        let once = try Self.object("a", 3)
        for (revision, objects) in [
            (0, []), (RestoredObjects.maximumRevision + 1, []), (2, [once]), (9, [once, try Self.object("a", 4)]),
            (9, [once, try Self.object("b", 3)]), (9, [try Self.object("a", 0)]),
        ] as [(UInt64, [(key: Key, object: Object)])] {
            #expect(throws: StoreError.self) { try RestoredObjects(revision: revision, objects: objects) }
        }
    }
}
