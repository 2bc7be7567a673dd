import Foundation
import KubeObject
public import Logging

extension StoreBenchmark {
    /// Opens a store that is there and measures what its clusters, all unloaded, take.
    public static func open(_ directory: String, logger: Logger) async throws -> Measurement {
        let before = ProcessMemory.allocated
        let start = ContinuousClock().now
        let store = try Store.open(directory: directory, logger: logger)
        let elapsed = ContinuousClock().now - start
        let count = store.clusters().count
        let bytes = max(ProcessMemory.allocated - before, 0) / max(count, 1)
        await store.close()
        return Measurement("open, clusters unloaded", count: count, elapsed: elapsed, bytesEach: bytes)
    }

    func clusters(_ report: (Measurement) -> Void) async throws {
        let base = try base()
        var options = StoreOptions()
        options.idleClusters = 1_000
        try await loaded(base, report)
        // A first cluster stores the base, and warms everything up.
        try await withStore("clusters", keep: true, options) { store in
            _ = try await create(store, "warm-up", base)
            let alone = min(500, sizes.clusters / 4)
            report(
                try await measure("create cluster, 1 at once", alone, concurrency: 1) { try await create(store, "a\($0)", base) })
            let rest = sizes.clusters - alone
            report(
                try await measure("create cluster, 16 at once", rest, concurrency: 16) { try await create(store, "b\($0)", base) }
            )
        }
        report(try await StoreBenchmark.open("\(directory)/benchmark-clusters", logger: logger))
        try await withStore("clusters", options) { store in
            let count = store.clusters().count
            let infos = store.clusters()
            report(
                try await measure("load cluster", min(1_000, count), concurrency: 1) { index in
                    _ = try await store.cluster(id: infos[index].id)
                })
            report(
                try await measure("delete cluster, 16 at once", min(1_000, count), concurrency: 16) { index in
                    try await store.deleteCluster(infos[index].name)
                })
        }
    }

    /// The memory of clusters that stay loaded, some time after they were made.
    private func loaded(_ base: Base, _ report: (Measurement) -> Void) async throws {
        var options = StoreOptions()
        options.idleClusters = .max
        options.idleBytes = .max
        try await withStore("loaded", options) { store in
            for index in 0..<100 { try await create(store, "w\(index)", base) }
            let before = ProcessMemory.allocated
            let count = min(2_000, sizes.clusters / 4)
            for index in 0..<count { try await create(store, "l\(index)", base) }
            for cluster in store.loadedClusters {
                cluster.dropTreesIfQuiet()
                cluster.dropTreesIfQuiet()
            }
            let bytes = max(ProcessMemory.allocated - before, 0) / count
            report(Measurement("memory of a loaded cluster", count: count, elapsed: .zero, bytesEach: bytes))
        }
    }

    @discardableResult
    private func create(_ store: Store, _ name: String, _ base: Base) async throws -> LogicalCluster {
        let writes = try (0..<sizes.firstWrites).map { index in
            let key = Key(group: "", plural: "serviceaccounts", namespace: "namespace-\(index % 4)", name: "first-\(index)")
            return Write.put(try draft(key), at: key, expect: .absent)
        }
        return try await store.createCluster(
            "team-\(name)-cluster-\(name)", uid: UUID().uuidString, record: ["key": .string(name)], base: base, writes: writes)
    }
}
