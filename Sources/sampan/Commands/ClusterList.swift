import ArgumentParser
import Fleet
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan cluster list`
struct ClusterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the virtual clusters.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Flag(
        name: [.customShort("A"), .long],
        help: "Those of all teams, and those that are nobody's: what an administrator sees anyway.")
    var allTeams = false

    @Flag(help: "Those that were deleted and can be brought back with `sampan cluster undelete`.")
    var deleted = false

    @Option(name: .shortAndLong, help: "table, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let list = try await PlatformAPI.with(instance) { api in
            // The platform's administrator sees all unless asked otherwise; a member sees their team's.
            let isEverything = allTeams || (team.team.isEmpty && api.standingTeam.isEmpty)
            if deleted {
                return try await api.client.list(
                    isEverything ? ResourcePath(PlatformAPI.deletedClusters) : api.deletedPath(team: team.team))
            }
            return try await api.client.list(isEverything ? ResourcePath(PlatformAPI.virtualClusters) : api.path(team: team.team))
        }
        let clusters = list["items"]?.elements ?? []
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name where deleted:
            Console.out(clusters.map { ($0["metadata"]?["name"]?.string ?? "") + "\n" }.joined())
        case .name:
            Console.out(
                clusters.map {
                    ClusterName.logical(
                        namespace: $0["metadata"]?["namespace"]?.string ?? "", name: $0["metadata"]?["name"]?.string ?? "") + "\n"
                }.joined())
        case .table where deleted:
            guard !clusters.isEmpty else {
                Console.note("There are no deleted clusters that could be brought back.")
                return
            }
            Console.out(DeletedClusters.table(clusters, now: Date().timeIntervalSince1970).description)
        case .table:
            guard !clusters.isEmpty else {
                Console.note("No clusters yet. Make one with `sampan cluster create NAME`.")
                return
            }
            Console.out(Self.table(clusters, now: Date().timeIntervalSince1970).description)
        }
    }

    static func table(_ clusters: [JSON], now: Double) -> Table {
        var table = Table(columns: ["NAME", "TEAM", "PHASE", "EXPIRES", "AGE"])
        for cluster in clusters {
            let metadata = cluster["metadata"]
            let phase =
                metadata?["deletionTimestamp"] != nil ? "Terminating" : cluster["status"]?["phase"]?.string ?? "Pending"
            let created = metadata?["creationTimestamp"]?.string.flatMap { Timestamp.parse($0) }
            let team = metadata?["namespace"]?.string ?? ""
            let end = (cluster["status"]?["expirationTime"]?.string).flatMap { Timestamp.parse($0) }
            table.rows.append([
                metadata?["name"]?.string ?? "", team == ClusterName.noTeam || team.isEmpty ? "<none>" : team, phase,
                end.map { "in \(shortDuration(seconds: $0 - now))" } ?? "never",
                created.map { shortDuration(seconds: now - $0) } ?? "<unknown>",
            ])
        }
        return table
    }
}
