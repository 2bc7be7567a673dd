import ArgumentParser
import KubeNetwork
import KubeObject
import Logging

/// `sampan bench network`: changes of services in the kernel's rules, and DNS answers, without a server or pods.
struct BenchNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Measure changes of the packet filter's rules, and DNS; needs root.")

    @Option(help: "Services in place while one is changed.")
    var services: Int = 10_000

    @Option(help: "Changes to measure.")
    var count: Int = 100

    func run() async throws {
        var sizes = NetworkBenchmark.Sizes()
        sizes.services = services
        sizes.changes = count
        sizes.questions = count * 1_000
        try await NetworkBenchmark(sizes: sizes, logger: Logger(label: "bench")).run { found in
            let row: JSON = [
                "name": .string(found.name), "concurrency": .int(Int64(found.concurrency)), "count": .int(Int64(found.count)),
                "perSecond": .double(found.perSecond), "p50": .double(found.p50 / .milliseconds(1)),
                "p99": .double(found.p99 / .milliseconds(1)),
            ]
            Console.out(String(decoding: row.encoded(), as: UTF8.self) + "\n")
        }
    }
}
