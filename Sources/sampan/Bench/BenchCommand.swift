import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench`: what scripts/bench calls, against Sampan and against upstream alike. Results are JSON, one object per line.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure an API, clusters or pods; see scripts/bench.", shouldDisplay: false,
        subcommands: [
            BenchAPI.self, BenchScale.self, BenchClusters.self, BenchMemory.self, BenchPods.self, BenchEngine.self,
            BenchNetwork.self, BenchControllers.self, BenchContest.self,
        ])

    static func print(_ measurement: Measurement) {
        print(measurement.tree)
    }

    static func print(_ tree: JSON) {
        Console.out(String(decoding: tree.encoded(), as: UTF8.self) + "\n")
    }
}

/// Which API is measured, and how it is talked to.
struct BenchTarget: ParsableArguments {
    @Option(help: "Which API, and as whom.")
    var kubeconfig: String

    @Option(name: .customLong("server-pid"), help: "The server's processes: their processor time and memory are measured too.")
    var serverProcesses: [Int32] = []

    @Flag(help: "Use HTTP/1.1 connections, one per request in progress, instead of one HTTP/2 connection for all.")
    var http1 = false

    var server: ServerLoad { ServerLoad(processes: serverProcesses) }

    /// With connections of its own: over one that has carried long lists, our client's HTTP/2 takes ten times as long to read what comes later.
    func withClient(_ body: (KubeClient) async throws -> Void) async throws {
        try await KubeClient.with(ClientConfiguration(kubeconfig: kubeconfig), usesHTTP2: !http1, connections: 512, body)
    }
}
