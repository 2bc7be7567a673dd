import Foundation
import KubeObject
import Testing

@testable import KubeStore

struct StoreInspectionTests {
    /// Also while somebody uses the store; and what is free is given back when nobody does.
    @Test func tellsWhatThereIsAndCompacts() async throws {
        let directory = TemporaryDirectory()
        #expect(throws: StoreError.self) { try StoreInspection(of: directory.path, reads: false) }
        let padding = JSON.string(String(repeating: "x", count: 100_000))
        try await withStore(directory: directory.path) { store in
            let one = try await store.createCluster("one", uid: "1", base: Base(version: "1"))
            let two = try await store.createCluster("two", uid: "2", base: Base(version: "1"))
            for index in 0..<20 { _ = try await one.commit([put("n\(index)", ["p": padding])]) }
            try await store.retireCluster("two")
            let inspection = try StoreInspection(of: directory.path, reads: true)
            #expect(inspection.clusters == [one.id, two.id])
            #expect(inspection.complaints == [])
            #expect(!inspection.isLoose)
            #expect(throws: StoreError.self) { try Store.compact(directory: directory.path) }
            _ = try await one.commit((0..<20).map { .delete(key("n\($0)")) })
        }
        let before = try StoreInspection(of: directory.path, reads: false)
        #expect(before.complaints == nil)
        #expect(before.free > 1_000_000)
        try Store.compact(directory: directory.path)
        let after = try StoreInspection(of: directory.path, reads: true)
        #expect(after.free == 0)
        #expect(after.size < before.size - 1_000_000)
        try await withStore(directory: directory.path) { store in
            let one = try #require(try await store.cluster("one"))
            #expect(one.revision == 41)
            #expect(store.retiredClusters.map(\.name) == ["two"])
        }
    }
}
