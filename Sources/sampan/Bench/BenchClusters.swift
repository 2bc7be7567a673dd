import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench clusters`: creating clusters beside more and more others.
struct BenchClusters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clusters", abstract: "Measure creating clusters.")

    @OptionGroup var instance: InstanceOptions

    @Option(help: "How many clusters are there when it measures, in growing order.")
    var present: [Int] = [1, 1000, 10_000]

    @Option(help: "How many clusters each measurement creates.")
    var count: Int = 500

    @Option(help: "How many are created at once.")
    var concurrency: [Int] = [1, 2, 4, 16]

    func run() async throws {
        try await BenchServer.with(instance.load()) { try await measure($0) }
    }

    private func measure(_ server: BenchServer) async throws {
        for goal in present.sorted() {
            try await server.fill(goal)
            for concurrency in concurrency {
                BenchCommand.print(
                    try await Measurement.take(
                        "create, with a kubeconfig, \(goal) present", count: count, concurrency: concurrency, server: server.load
                    ) { _ in
                        _ = try await server.api.kubeconfig(try await server.create(), seconds: 3600)
                    })
                BenchCommand.print(
                    try await Measurement.take(
                        "create until it answers, \(goal) present", count: count, concurrency: concurrency, server: server.load
                    ) { _ in
                        let config = try await server.api.kubeconfig(try await server.create(), seconds: 3600)
                        try await Self.use(config)
                    })
            }
        }
    }

    /// What kubectl does first: a connection of its own, with the cluster's credential, and a request that only the cluster itself can answer.
    /// (`/readyz` would prove nothing: a cluster that isn't there answers it too, so that its absence can't be told.)
    private static func use(_ config: Kubeconfig) async throws {
        try await KubeClient.with(ClientConfiguration(config)) { client in
            _ = try await client.get(
                ResourcePath(GroupVersionResource(group: "", version: "v1", resource: "namespaces"), name: "default"))
        }
    }
}
