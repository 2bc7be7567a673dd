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
        /// Objects of a cluster that is restored while others write.
        public var restored = 100_000
        public var watchers = 1_000
        public var watchedEvents = 200

        public init() {}
    }

    static let small = JSON.string(String(repeating: "x", count: 400))
    static let large = JSON.string(String(repeating: "x", count: 800))

    let directory: String
    let sizes: Sizes
    let logger: Logger
    let clock = ContinuousClock()

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
        try await besideRestore(report)
    }

    /// Only measures what others notice of a large cluster that is restored.
    public func runRestore(_ report: (Measurement) -> Void = { _ in }) async throws { try await besideRestore(report) }

    func withStore(
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

    func measure(
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

    func base() throws -> Base {
        Base(
            version: "benchmark",
            objects: try (0..<sizes.baseObjects).map { index in
                let key = Key(group: "rbac.authorization.k8s.io", plural: "clusterroles", name: "system:role-\(index)")
                return (key, try draft(key, isLarge: true))
            })
    }

    func draft(_ key: Key, isLarge: Bool = false, number: Int = 0) throws -> Draft {
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
}
