import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject
import Synchronization

/// `sampan bench clusters`: creating clusters beside more and more others, and what they weigh.
struct BenchClusters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clusters", abstract: "Measure creating clusters.")

    @OptionGroup var instance: InstanceOptions

    @Option(help: "How many clusters are there when it measures, in growing order.")
    var present: [Int] = [1, 1000, 10_000]

    @Option(help: "How many clusters each measurement creates.")
    var count: Int = 500

    func run() async throws {
        let configuration = try instance.load()
        let api = try PlatformAPI(client: KubeClient(ClientConfiguration(kubeconfig: configuration.adminKubeconfigPath)))
        var anybody = try ClientConfiguration(kubeconfig: configuration.adminKubeconfigPath)
        anybody.credentials = .anonymous
        let origin =
            anybody.server.firstRange(of: "/clusters/").map { String(anybody.server[..<$0.lowerBound]) } ?? anybody.server
        anybody.server = origin
        let visitor = try KubeClient(anybody)
        do {
            try await measure(configuration, api, visitor)
        } catch {
            try await visitor.shutdown()
            try await api.client.shutdown()
            throw error
        }
        try await visitor.shutdown()
        try await api.client.shutdown()
    }

    private func measure(_ configuration: Configuration, _ api: PlatformAPI, _ visitor: KubeClient) async throws {
        let next = Atomic<Int>(0)
        let prefix = "b\(UInt16.random(in: 0 ... .max))-"
        @Sendable func create() async throws -> String {
            let name = prefix + String(next.add(1, ordering: .relaxed).newValue)
            let object: JSON = [
                "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": .string(name)], "spec": [:],
            ]
            _ = try await api.client.create(object, at: api.path())
            return name
        }
        let before = try memory(configuration)
        for goal in present.sorted() {
            let missing = max(goal - next.load(ordering: .relaxed), 0)
            let fill = try await Measurement.take("fill to \(goal)", count: missing, concurrency: 16) { _ in
                _ = try await create()
            }
            if missing > 0 { BenchCommand.print(fill) }
            let grown = try memory(configuration) - before
            let weight: JSON = [
                "name": "memory", "clusters": .int(Int64(goal)),
                "kilobytesPerCluster": .double(Double(grown) / Double(max(goal, 1))),
            ]
            Console.out(String(decoding: weight.encoded(), as: UTF8.self) + "\n")
            for concurrency in [1, 16] {
                BenchCommand.print(
                    try await Measurement.take("create until it answers, \(goal) present", count: count, concurrency: concurrency)
                    { _ in
                        let name = try await create()
                        _ = try await visitor.send("GET", "/clusters/\(name)/readyz")
                    })
            }
        }
    }

    private func memory(_ configuration: Configuration) throws -> Int64 {
        guard let pid = try InstanceLock.holder(path: configuration.lockPath),
            let kilobytes = try StatusCommand.residentKilobytes(pid)
        else { throw CommandFailure("The server has ended.", hint: "Look into \(configuration.logPath).") }
        return kilobytes
    }
}
