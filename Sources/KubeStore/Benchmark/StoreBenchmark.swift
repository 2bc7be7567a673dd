import Foundation
import KubeObject
public import Logging

/// Measures the store alone, without HTTP: rates, latencies and memory, every commit flushed to the disk.
///
/// It works in subdirectories of its own, which it removes.
public struct StoreBenchmark: Sendable {
    /// Sizes of the measurements; the defaults take about a minute on two cores.
    public struct Sizes: Sendable {
        public var clusters = 10_000
        /// Objects that every new cluster writes at first.
        public var firstWrites = 14
        /// Objects in the shared base.
        public var baseObjects = 150
        public var puts = 4_000
        public var listed = 10_000
        public var watchers = 1_000
        public var watchedEvents = 200

        public init() {}
    }

    private static let small = JSON.string(String(repeating: "x", count: 400))
    private static let large = JSON.string(String(repeating: "x", count: 800))

    private let directory: String
    private let sizes: Sizes
    private let logger: Logger
    private let clock = ContinuousClock()

    /// - Parameter directory: on the disk to be measured.
    public init(directory: String, sizes: Sizes = Sizes(), logger: Logger) {
        self.directory = directory
        self.sizes = sizes
        self.logger = logger
    }

    /// Runs all measurements, telling of each when it is done.
    public func run(_ report: (Measurement) -> Void = { _ in }) async throws {
        try await clusters(report)
        try await objects(report)
    }

    private func withStore(
        _ name: String, keep: Bool = false, _ options: StoreOptions = StoreOptions(), _ body: (Store) async throws -> Void
    ) async throws {
        let path = "\(directory)/benchmark-\(name)"
        let store = try Store.open(directory: path, options: options, logger: logger)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(store)) } catch { outcome = .failure(error) }
        await store.close()
        if !keep { try FileManager.default.removeItem(atPath: path) }
        try outcome.get()
    }

    // MARK: Clusters

    private func clusters(_ report: (Measurement) -> Void) async throws {
        let base = try base()
        var options = StoreOptions()
        options.idleClusters = 1_000
        // A first cluster stores the base, and warms everything up.
        try await withStore("clusters", keep: true, options) { store in
            _ = try await create(store, "warm-up", base)
            let alone = min(500, sizes.clusters / 4)
            report(
                try await measure("create cluster, 1 at once", alone, concurrency: 1) { try await create(store, "a\($0)", base) })
            var made = alone
            let loadedBefore = Memory.resident
            var kept: [LogicalCluster] = []
            for index in 0..<min(1_000, sizes.clusters / 4) { kept.append(try await create(store, "k\(index)", base)) }
            for cluster in kept {
                cluster.dropTreesIfQuiet()
                cluster.dropTreesIfQuiet()
            }
            report(
                Measurement(
                    "memory of a loaded cluster", count: kept.count, elapsed: .zero,
                    bytesEach: max(Memory.resident - loadedBefore, 0) / kept.count))
            made += kept.count
            kept = []
            let rest = sizes.clusters - made
            report(
                try await measure("create cluster, 16 at once", rest, concurrency: 16) { try await create(store, "b\($0)", base) }
            )
        }
        let before = Memory.resident
        let start = clock.now
        try await withStore("clusters", options) { store in
            let elapsed = clock.now - start
            let count = store.clusters().count
            report(
                Measurement(
                    "open, clusters unloaded", count: count, elapsed: elapsed,
                    bytesEach: max(Memory.resident - before, 0) / count))
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

    @discardableResult
    private func create(_ store: Store, _ name: String, _ base: Base) async throws -> LogicalCluster {
        let writes = try (0..<sizes.firstWrites).map { index in
            let key = Key(group: "", plural: "serviceaccounts", namespace: "namespace-\(index % 4)", name: "first-\(index)")
            return Write.put(try draft(key), at: key, expect: .absent)
        }
        return try await store.createCluster(
            "team-\(name)-cluster-\(name)", uid: UUID().uuidString, record: ["key": .string(name)], base: base, writes: writes)
    }

    private func base() throws -> Base {
        Base(
            version: "benchmark",
            objects: try (0..<sizes.baseObjects).map { index in
                let key = Key(group: "rbac.authorization.k8s.io", plural: "clusterroles", name: "system:role-\(index)")
                return (key, try draft(key, isLarge: true))
            })
    }

    private func draft(_ key: Key, isLarge: Bool = false, number: Int = 0) throws -> Draft {
        try Draft([
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": .string(key.name), "namespace": .string(key.namespace),
                "uid": "01234567-89ab-cdef-0123-456789abcdef", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": ["app": "benchmark", "number": .string("\(number)")],
            ],
            "data": ["padding": isLarge ? StoreBenchmark.large : StoreBenchmark.small],
        ])
    }

    // MARK: Objects

    private func objects(_ report: (Measurement) -> Void) async throws {
        try await withStore("objects") { store in
            let cluster = try await store.createCluster("objects", uid: "objects", base: base())
            for concurrency in [1, 16, 128] {
                let count = concurrency == 1 ? sizes.puts / 4 : sizes.puts
                report(
                    try await measure("put, \(concurrency) at once", count, concurrency: concurrency) { index in
                        let key = podKey(index % 500)
                        _ = try await cluster.commit([.put(draft(key, number: index), at: key)])
                    })
            }
            try await read(store, report)
            try await watch(store, report)
        }
    }

    private func podKey(_ index: Int) -> Key {
        Key(group: "", plural: "pods", namespace: "namespace-\(index % 10)", name: "pod-\(index)")
    }

    private func read(_ store: Store, _ report: (Measurement) -> Void) async throws {
        let cluster = try await store.createCluster("lists", uid: "lists", base: base())
        for start in stride(from: 0, to: sizes.listed, by: 1_000) {
            _ = try await cluster.commit(
                (start..<min(start + 1_000, sizes.listed)).map { .put(try draft(podKey($0)), at: podKey($0)) })
        }
        let keys = (0..<sizes.listed).map(podKey)
        var found = 0
        var elapsed = clock.measure {
            for round in 0..<20 {
                for key in keys where cluster.snapshot.get(key) != nil { found += round & 1 }
            }
        }
        report(Measurement("get", count: 20 * keys.count, elapsed: elapsed))
        elapsed = clock.measure {
            for _ in 0..<20 { found += cluster.snapshot.list(prefix: "core/pods/").count }
        }
        report(Measurement("list of \(sizes.listed), per object", count: 20 * sizes.listed, elapsed: elapsed))
        elapsed = clock.measure {
            for _ in 0..<10_000 { found += cluster.snapshot.count(prefix: "core/pods/namespace-3/") }
        }
        report(Measurement("count of a prefix in \(sizes.listed)", count: 10_000, elapsed: elapsed))
    }

    private func watch(_ store: Store, _ report: (Measurement) -> Void) async throws {
        let cluster = try await store.createCluster("watched", uid: "watched", base: base())
        let clock = clock
        let start = clock.now
        let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<sizes.watchers {
                let subscription = try cluster.watch(prefix: "core/pods/")
                group.addTask { [sizes] in
                    var latencies: [Duration] = []
                    while latencies.count < sizes.watchedEvents, let batch = try await subscription.next() {
                        let now = clock.now
                        for event in batch {
                            let sent = Double(event.object.metadata.labels["number"] ?? "") ?? 0
                            latencies.append((now - start) - .nanoseconds(Int64(sent)))
                        }
                    }
                    return latencies
                }
            }
            for index in 0..<sizes.watchedEvents {
                let sent = Int((clock.now - start) / .nanoseconds(1))
                _ = try await cluster.commit([.put(draft(podKey(index), number: sent), at: podKey(index))])
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        report(
            Measurement(
                "watch event to \(sizes.watchers) watchers, from before its commit", count: latencies.count,
                elapsed: clock.now - start, latencies: latencies))
    }

    // MARK: Measuring

    private func measure(
        _ name: String, _ count: Int, concurrency: Int, _ work: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Measurement {
        let clock = clock
        let start = clock.now
        let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for worker in 0..<concurrency {
                group.addTask {
                    var latencies: [Duration] = []
                    for index in stride(from: worker, to: count, by: concurrency) {
                        let start = clock.now
                        try await work(index)
                        latencies.append(clock.now - start)
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return Measurement(name, count: count, elapsed: clock.now - start, latencies: latencies)
    }
}
