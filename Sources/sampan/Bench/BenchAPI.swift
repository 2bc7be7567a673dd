import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench api`: reads, writes and watches of 1 KiB objects in any Kubernetes API.
struct BenchAPI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "api", abstract: "Measure reads and writes of an API.")

    @OptionGroup var target: BenchTarget

    @Option(help: "Objects to write at each concurrency.")
    var count: Int = 2000

    @Option(help: "How many requests at once.")
    var concurrency: [Int] = [1, 16]

    @Option(help: "How many watchers.")
    var watchers: [Int] = [1, 100]

    func run() async throws {
        for concurrency in concurrency {
            try await target.withClient { client in
                try await BenchObjects.inNewNamespace(client) { try await readAndWrite($0, concurrency) }
            }
        }
        for watchers in watchers {
            try await target.withClient { client in
                try await BenchObjects.inNewNamespace(client) { try await watch($0, watchers) }
            }
        }
    }

    private func readAndWrite(_ objects: BenchObjects, _ concurrency: Int) async throws {
        // Connections, caches and the server's code are warm in use, so they are here.
        _ = try await Measurement.take("", count: 100, concurrency: concurrency) {
            try await objects.create("warm-\(concurrency)-\($0)")
        }
        func measure(_ name: String, _ count: Int, _ work: @escaping @Sendable (Int) async throws -> Void) async throws {
            BenchCommand.print(
                try await Measurement.take(name, count: count, concurrency: concurrency, server: target.server, work))
        }
        try await measure("create", count) { try await objects.create("c\(concurrency)-\($0)") }
        try await measure("get", count) { try await objects.get("c\(concurrency)-\($0)") }
        try await target.withClient { lister in
            var lists = objects
            lists.client = lister
            try await measure("list 500", max(count / 10, 20)) { [lists] _ in try await lists.list(limit: 500) }
        }
        try await measure("patch", count) { try await objects.patch("c\(concurrency)-\($0)", "\($0)") }
        try await measure("delete", count) { try await objects.delete("c\(concurrency)-\($0)") }
    }

    private func watch(_ objects: BenchObjects, _ watchers: Int) async throws {
        let writes = max(count / 4, 20)
        func measure(_ watching: BenchWatchers, _ name: String) async throws {
            BenchCommand.print(try await watching.latency("watch\(name)", of: objects, writes: writes, server: target.server))
            BenchCommand.print(
                try await watching.rate(
                    "watch\(name), 16 writers", of: objects, writes: count, concurrency: 16, server: target.server))
        }
        try await BenchWatchers.run(watchers, of: objects) { try await measure($0, "") }
        try await BenchWatchers.runConnections(watchers, of: objects) { try await measure($0, ", own connections") }
    }
}
