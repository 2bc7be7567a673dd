import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench memory`: what many clusters weigh in the server's memory: just created, unloaded because nobody used them, and used again.
struct BenchMemory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "Measure the memory of clusters, loaded and unloaded, in an instance that has none.")

    @OptionGroup var instance: InstanceOptions

    @Option(help: "How many clusters.")
    var clusters: Int = 10_000

    @Option(
        help:
            "The clusters are there, from an earlier run; the server was started anew, and had this many bytes resident without them."
    )
    var restartedFrom: Int?

    @Option(help: "With --restarted-from: how many bytes of those were in use.")
    var allocatedFrom: Int?

    private struct Memory {
        var resident: Int
        var allocated: Int
    }

    /// The server's code and caches are in memory once it has made some clusters.
    private static let first = 1000

    func run() async throws {
        try await BenchServer.with(instance.load()) { server in
            guard let restartedFrom else { return try await measure(server) }
            // At its start the server visits all clusters, and the last ones stay in memory for a while.
            try await Task.sleep(for: .seconds(5))
            try await untilUnloaded(server)
            try await report("after a restart", server, since: Memory(resident: restartedFrom, allocated: allocatedFrom ?? 0))
        }
    }

    private func measure(_ server: BenchServer) async throws {
        try await server.fill(Self.first)
        try await untilUnloaded(server)
        let before = try await memory(server)
        try await server.fill(Self.first + clusters)
        try await report("just created", server, since: before)
        try await untilUnloaded(server)
        try await report("idle", server, since: before)
        let names = server.names
        _ = try await Measurement.take("", count: names.count, concurrency: 16) { index in
            _ = try await server.visitor.send("GET", "/clusters/\(names[index])/readyz")
        }
        try await report("each just used", server, since: before)
        try await untilUnloaded(server)
        try await report("idle again", server, since: before)
    }

    private func memory(_ server: BenchServer) async throws -> Memory {
        Memory(
            resident: try await server.gauge("process_resident_memory_bytes"),
            allocated: try await server.gauge("sampan_allocated_memory_bytes"))
    }

    private func report(_ state: String, _ server: BenchServer, since before: Memory) async throws {
        let loaded = try await server.gauge("sampan_clusters_loaded")
        let now = try await memory(server)
        func each(_ now: Int, _ before: Int) -> JSON { .double(Double(now - before) / 1024 / Double(clusters)) }
        let weight: JSON = [
            "name": "memory", "state": .string(state), "clusters": .int(Int64(clusters)), "loaded": .int(Int64(loaded)),
            "megabytes": .double(Double(now.resident) / 1_048_576), "residentBefore": .int(Int64(before.resident)),
            "allocatedBefore": .int(Int64(before.allocated)), "kilobytesPerCluster": each(now.resident, before.resident),
            "allocatedKilobytesPerCluster": each(now.allocated, before.allocated),
        ]
        Console.out(String(decoding: weight.encoded(), as: UTF8.self) + "\n")
    }

    /// Idle clusters leave memory half a minute after their last use; only the root cluster, which is in use, stays. Then their memory
    /// is given back.
    private func untilUnloaded(_ server: BenchServer) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try await server.gauge("sampan_clusters_loaded") > 1 {
            guard ContinuousClock.now < deadline else { throw CommandFailure("Clusters that nobody uses stay in memory.") }
            try await Task.sleep(for: .seconds(1))
        }
        try await Task.sleep(for: .seconds(2))
    }
}
