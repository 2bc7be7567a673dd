import KubeObject
import KubeStore
import Testing

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
}
