import ArgumentParser
import Fleet
import FoundationEssentials
import KubeClient
import KubeObject
import KubeSchema

/// `sampan cluster extend NAME`
struct ClusterExtend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend", abstract: "Let a cluster live longer.",
        discussion: """
            The cluster then has so long to live from now on. `forever` takes its end away, where the team's rules allow that.

            EXAMPLES
              sampan cluster extend demo --by 8h
              sampan cluster extend demo --team blue --by forever
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: "The cluster.", completion: Completions.clusters)
    var name: String

    @Option(help: ArgumentHelp("How long it is to live from now on.", valueName: "duration"))
    var by: String

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let by = self.by == "forever" ? nil : GoDuration.nanoseconds(self.by).map { Double($0) / 1e9 }
        guard self.by == "forever" || by ?? 0 > 0 else {
            throw ValidationError("--by \(self.by): give a duration such as 30m or 8h, or forever.")
        }
        try await PlatformAPI.with(instance) { api in
            let path = api.path(name, team: team.team)
            do {
                let cluster = try await api.client.get(path)
                let created = (cluster["metadata"]?["creationTimestamp"]?.string).flatMap { Timestamp.parse($0) } ?? 0
                let now = Date().timeIntervalSince1970
                let life = by.map { GoDuration.format(nanoseconds: Int64((now - created + $0).rounded()) * 1_000_000_000) }
                let changed = try await api.client.patch(
                    ["spec": ["timeToLive": life.map { .string($0) } ?? .null]], .merge, at: path)
                let isEndless = (changed["spec"]?["timeToLive"]?.string ?? "").isEmpty
                output.print(
                    changed, name: name,
                    isEndless
                        ? "cluster \(name) lives on until it is deleted"
                        : "cluster \(name) lives until \(Timestamp.format(Self.end(of: changed, created)))")
            } catch {
                throw PlatformAPI.notFoundHint(error, name)
            }
        }
    }

    private static func end(of cluster: JSON, _ created: Double) -> Double {
        created + Double((cluster["spec"]?["timeToLive"]?.string).flatMap(GoDuration.nanoseconds) ?? 0) / 1e9
    }
}
