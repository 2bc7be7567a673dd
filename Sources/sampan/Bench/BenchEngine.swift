import ArgumentParser
import KubeObject
import KubeRuntime
import Logging

/// `sampan bench engine`: the CRI's calls for a pod, without a server. What is left of a pod's start is ours.
struct BenchEngine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Measure what containerd takes to start pods; needs root.")

    @Option(help: "An empty directory for an engine of its own.")
    var directory: String

    @Option(help: "An image archive with `sleep`.")
    var archive: String

    @Option(help: "The pods' addresses.")
    var podSubnet: String = "10.198.0.0/16"

    @Option(help: "How many pods at each concurrency.")
    var count: Int = 20

    @Option(help: "How many pods at once.")
    var concurrency: [Int] = [1, 10]

    func run() async throws {
        let options = EngineOptions(
            dataDirectory: directory, instance: "bench-engine-\(UInt16.random(in: 0 ... .max))", podSubnet: podSubnet)
        var logger = Logger(label: "bench")
        logger.logLevel = .warning
        try await EngineBenchmark(options: options, archive: archive, logger: logger).run(count: count, concurrency: concurrency)
        {
            BenchCommand.print(
                Measurement(
                    name: $0.name, concurrency: $0.concurrency, latencies: $0.latencies.map(\.milliseconds),
                    seconds: $0.elapsed.milliseconds / 1000))
        }
    }
}
