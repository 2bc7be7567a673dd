import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench`: what scripts/bench calls, against Sampan and against upstream alike. Results are JSON, one object per line.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure an API, clusters or pods; see scripts/bench.", shouldDisplay: false,
        subcommands: [BenchAPI.self, BenchClusters.self, BenchMemory.self, BenchPods.self, BenchNetwork.self])

    static func print(_ measurement: Measurement) {
        Console.out(String(decoding: measurement.tree.encoded(), as: UTF8.self) + "\n")
    }
}

/// `sampan bench api`: reads and writes of 1 KiB objects in any Kubernetes API.
struct BenchAPI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "api", abstract: "Measure reads and writes of an API.")

    @Option(help: "Which API, and as whom.")
    var kubeconfig: String

    @Option(help: "Objects to write at each concurrency.")
    var count: Int = 2000

    @Option(help: "How many requests at once.")
    var concurrency: [Int] = [1, 16]

    @Option(help: "How many watchers.")
    var watchers: [Int] = [1, 100]

    private static let maps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
    private static let fill = JSON.string(String(repeating: "x", count: 1024))

    func run() async throws {
        let configuration = try ClientConfiguration(kubeconfig: kubeconfig)
        try await KubeClient.with(configuration) { client in
            let namespace = "bench-\(UInt32.random(in: 0 ... .max))"
            let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")
            _ = try await client.create(
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]], at: ResourcePath(namespaces))
            for concurrency in concurrency { try await readAndWrite(client, namespace, concurrency) }
            for watchers in watchers { try await watch(client, namespace, watchers) }
            try await client.delete(ResourcePath(namespaces, name: namespace))
        }
    }

    private static func object(_ name: String) -> JSON {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": ["fill": fill]]
    }

    private func readAndWrite(_ client: KubeClient, _ namespace: String, _ concurrency: Int) async throws {
        let collection = ResourcePath(Self.maps, namespace: namespace)
        @Sendable func one(_ index: Int) -> ResourcePath {
            ResourcePath(Self.maps, namespace: namespace, name: "c\(concurrency)-\(index)")
        }
        // Connections, caches and the server's code are warm in use, so they are here.
        _ = try await Measurement.take("", count: 100, concurrency: concurrency) {
            _ = try await client.create(Self.object("warm-\(concurrency)-\($0)"), at: collection)
        }
        BenchCommand.print(
            try await Measurement.take("create", count: count, concurrency: concurrency) {
                _ = try await client.create(Self.object(one($0).name), at: collection)
            })
        BenchCommand.print(
            try await Measurement.take("get", count: count, concurrency: concurrency) { _ = try await client.get(one($0)) })
        BenchCommand.print(
            try await Measurement.take("list 500", count: max(count / 40, 20), concurrency: concurrency) { _ in
                _ = try await client.send("GET", collection.description, query: [("limit", "500")])
            })
        BenchCommand.print(
            try await Measurement.take("patch", count: count, concurrency: concurrency) {
                _ = try await client.patch(["data": ["changed": .string("\($0)")]], .merge, at: one($0))
            })
        BenchCommand.print(
            try await Measurement.take("delete", count: count, concurrency: concurrency) { _ = try await client.delete(one($0)) })
    }

    /// From the moment that a write is sent until every watcher has its event.
    private func watch(_ client: KubeClient, _ namespace: String, _ watchers: Int) async throws {
        let collection = ResourcePath(Self.maps, namespace: namespace)
        let version = try await client.list(collection)["metadata"]?["resourceVersion"]?.string
        let events = 200
        let (seen, saw) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<watchers {
                let stream = try await client.watch(collection, resourceVersion: version)
                group.addTask {
                    for try await event in stream where event.kind == .added {
                        saw.yield(event.object["metadata"]?["name"]?.string ?? "")
                    }
                }
            }
            var latencies: [Double] = []
            var iterator = seen.makeAsyncIterator()
            let start = ContinuousClock.now
            for index in 0..<events {
                let sent = ContinuousClock.now
                let object = Self.object("watch-\(watchers)-\(index)")
                async let written = client.create(object, at: collection)
                for _ in 0..<watchers { _ = await iterator.next() }
                latencies.append((ContinuousClock.now - sent).milliseconds)
                _ = try await written
            }
            let seconds = (ContinuousClock.now - start).milliseconds / 1000
            BenchCommand.print(
                Measurement(name: "watch", concurrency: watchers, latencies: latencies, seconds: seconds))
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }
}
