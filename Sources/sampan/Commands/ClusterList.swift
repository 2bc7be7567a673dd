import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan cluster list`
struct ClusterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the virtual clusters.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let list = try await PlatformAPI.with(instance) { try await $0.client.list($0.path()) }
        let clusters = list["items"]?.elements ?? []
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name: Console.out(clusters.map { "\($0["metadata"]?["name"]?.string ?? "")\n" }.joined())
        case .table:
            guard !clusters.isEmpty else {
                Console.note("No clusters yet. Make one with `sampan cluster create NAME`.")
                return
            }
            Console.out(Self.table(clusters, now: Date().timeIntervalSince1970).description)
        }
    }

    static func table(_ clusters: [JSON], now: Double) -> Table {
        var table = Table(columns: ["NAME", "PHASE", "AGE"])
        for cluster in clusters {
            let metadata = cluster["metadata"]
            let phase =
                metadata?["deletionTimestamp"] != nil ? "Terminating" : cluster["status"]?["phase"]?.string ?? "Pending"
            let created = metadata?["creationTimestamp"]?.string.flatMap { Timestamp.parse($0) }
            table.rows.append([
                metadata?["name"]?.string ?? "", phase, created.map { shortDuration(seconds: now - $0) } ?? "<unknown>",
            ])
        }
        return table
    }
}
