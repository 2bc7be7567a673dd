import KubeObject

/// One measured kind of work: how many, how fast, how long each took.
struct Measurement {
    var name: String
    var concurrency: Int
    /// Of each operation, in milliseconds.
    var latencies: [Double]
    var seconds: Double
    /// Processor time that the server took for all of it, in milliseconds; nil when its processes aren't known.
    var processorMilliseconds: Double?

    var perSecond: Double { seconds > 0 ? Double(latencies.count) / seconds : 0 }

    /// The latency that the given part (0...1) of all operations stayed under: the nearest rank.
    func percentile(_ part: Double) -> Double {
        guard !latencies.isEmpty else { return 0 }
        let sorted = latencies.sorted()
        let rank = Int((part * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }

    var tree: JSON {
        var tree: JSON = [
            "name": .string(name), "concurrency": .int(Int64(concurrency)), "count": .int(Int64(latencies.count)),
            "perSecond": .double(perSecond), "p50": .double(percentile(0.5)), "p99": .double(percentile(0.99)),
        ]
        if let processorMilliseconds, !latencies.isEmpty {
            tree["processorMicroseconds"] = .double(processorMilliseconds * 1000 / Double(latencies.count))
        }
        return tree
    }

    /// Does `work` for 0..<count, `concurrency` at a time, and takes the time of each.
    ///
    /// - Parameter server: whose processor time is taken as well.
    static func take(
        _ name: String, count: Int, concurrency: Int, server: ServerLoad = ServerLoad(processes: []),
        _ work: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Measurement {
        let clock = ContinuousClock()
        let before = try server.processorMilliseconds()
        let start = clock.now
        let latencies = try await withThrowingTaskGroup(of: [Double].self) { group in
            for worker in 0..<concurrency {
                group.addTask {
                    var own: [Double] = []
                    for index in stride(from: worker, to: count, by: concurrency) {
                        own.append(try await clock.measure { try await work(index) }.milliseconds)
                    }
                    return own
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let seconds = (clock.now - start).milliseconds / 1000
        let used = try server.processorMilliseconds() - before
        return Measurement(
            name: name, concurrency: concurrency, latencies: latencies, seconds: seconds,
            processorMilliseconds: server.isKnown ? used : nil)
    }
}
