import KubeObject

extension StoreBenchmark {
    func objects(_ report: (Measurement) -> Void) async throws {
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
            try await reload(store, report)
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

    /// Loads the cluster of the lists again.
    private func reload(_ store: Store, _ report: (Measurement) -> Void) async throws {
        for tick in 1...(Store.ticksPerIdleTime + 1) { store.keepHouse(tick: tick) }
        let start = clock.now
        let cluster = try await store.cluster("lists")
        let count = (cluster?.snapshot.count(prefix: "") ?? 0) - sizes.baseObjects
        report(Measurement("load one big cluster, per object", count: count, elapsed: clock.now - start))
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
}
