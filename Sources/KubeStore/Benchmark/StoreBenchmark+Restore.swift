import KubeObject

extension StoreBenchmark {
    /// What another cluster's writes notice of a large cluster that is restored.
    func besideRestore(_ report: (Measurement) -> Void) async throws {
        try await withStore("restore") { store in
            let base = try base()
            let other = try await store.createCluster("other", uid: "other", base: base)
            @Sendable func write(_ index: Int) async throws {
                let key = Key(group: "", plural: "pods", namespace: "default", name: "pod-\(index % 500)")
                _ = try await other.commit([.put(draft(key, number: index), at: key)])
            }
            for index in 0..<500 { try await write(index) }
            report(try await measure("put, 1 at once, alone", sizes.puts / 4, concurrency: 1) { try await write($0) })
            let objects = try (1...sizes.restored).map { index in
                let key = Key(group: "", plural: "configmaps", namespace: "namespace-\(index % 10)", name: "restored-\(index)")
                return (key: key, object: try draft(key).sealed(resourceVersion: UInt64(base.revision) + UInt64(index)))
            }
            let restored = try RestoredObjects(
                revision: base.revision + UInt64(sizes.restored),
                objects: objects + base.snapshot.entries(prefix: "").map { ($0.key, $0.object) })
            let clock = clock
            let start = clock.now
            async let comes: LogicalCluster = store.createCluster("restored", uid: "restored", base: base, restored: restored)
            var latencies: [Duration] = []
            while store.info("restored") == nil {
                let start = clock.now
                try await write(latencies.count)
                latencies.append(clock.now - start)
            }
            _ = try await comes
            let elapsed = clock.now - start
            report(
                Measurement(
                    "put, 1 at once, beside a restore of \(sizes.restored)", count: latencies.count, elapsed: elapsed,
                    latencies: latencies))
            report(Measurement("restore, per object", count: sizes.restored, elapsed: elapsed))
            report(Measurement("the longest of those puts", count: 1, elapsed: latencies.max() ?? .zero))
        }
    }
}
