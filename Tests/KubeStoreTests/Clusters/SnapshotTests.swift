import KubeObject
import Testing

@testable import KubeStore

struct SnapshotTests {
    /// What is found on the way is what a list made at once holds, whatever the range.
    @Test func objectsAreThoseOfTheList() async throws {
        try await withCluster { _, cluster in
            let names = (0..<100).map { "n\($0)" }
            _ = try await cluster.commit(try names.map { .put(try draft($0), at: key($0)) })
            let snapshot = cluster.snapshot
            let prefix = Key.prefix(group: "", plural: "configmaps", namespace: "default")
            for after in [nil, key("n0"), key("n5"), key("n99"), key("z")] {
                for limit in [nil, 0, 1, 33, 100, 1000] {
                    let objects = snapshot.objects(prefix: prefix, after: after, limit: limit)
                    let list = snapshot.list(prefix: prefix, after: after, limit: limit)
                    #expect(objects.map(\.metadata.name) == list.map(\.metadata.name))
                    #expect(objects.count == list.count)
                    #expect(objects.last === list.last)
                }
            }
            #expect(snapshot.objects(prefix: "nothing/").last == nil)
        }
    }

    @Test func objectsStayThoseOfTheSnapshot() async throws {
        try await withCluster { _, cluster in
            _ = try await cluster.commit(try (0..<100).map { .put(try draft("n\($0)"), at: key("n\($0)")) })
            let objects = cluster.snapshot.objects(prefix: "")
            var iterator = objects.makeIterator()
            _ = iterator.next()
            _ = try await cluster.commit((0..<100).map { .delete(key("n\($0)")) })
            var left = 0
            while iterator.next() != nil { left += 1 }
            #expect(left == 99)
            #expect(objects.count == 100)
        }
    }
}
