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
        help:
            "Those of all teams, and those that are nobody's: what an administrator sees anyway. For a member: those of all teams that they are in."
    )
    var allTeams = false

    @Flag(help: "Those that were deleted and can be brought back with `sampan cluster undelete`.")
    var deleted = false

    @Option(
        name: [.customShort("l"), .long], help: ArgumentHelp("Those with such labels, as kubectl has it.", valueName: "selector"))
    var selector: String = ""

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let list = try await PlatformAPI.with(instance) { api in
            // The platform's administrator sees all unless asked otherwise; a member sees their team's.
            let isEverything = allTeams || (team.team.isEmpty && api.standingTeam.isEmpty)
            let (resource, kind) =
                deleted ? (PlatformAPI.deletedClusters, "DeletedCluster") : (PlatformAPI.virtualClusters, "VirtualCluster")
            if isEverything { return try await api.visible(resource, kind: kind, labelSelector: selector) }
            let list = try await api.client.list(
                deleted ? api.deletedPath(team: team.team) : api.path(team: team.team), labelSelector: selector)
            if list["items"]?.elements.isEmpty ?? true { try await api.requireTeam(team.team) }
            return list
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
        case .table where deleted, .wide where deleted:
            guard !clusters.isEmpty else {
                Console.note("There are no deleted clusters that could be brought back.")
                return
            }
            Console.out(DeletedClusters.table(clusters, now: Date().timeIntervalSince1970).description)
        case .table, .wide:
            guard !clusters.isEmpty else {
                Console.note(
                    selector.isEmpty
                        ? "No clusters yet. Make one with `sampan cluster create NAME`." : "No cluster has such labels.")
                return
            }
            let now = Date().timeIntervalSince1970
            Console.out(Self.table(clusters, now: now, isWide: output == .wide).description)
        }
    }

    static func table(_ clusters: [JSON], now: Double, isWide: Bool = false) -> Table {
        let more = isWide ? ["LAST-USED", "AWAKE", "ISOLATION", "ARCHITECTURE", "VERSION", "SERVER", "LABELS"] : []
        var table = Table(columns: ["NAME", "TEAM", "PHASE", "EXPIRES", "AGE"] + more)
        for cluster in clusters {
            let metadata = cluster["metadata"]
            let phase =
                metadata?["deletionTimestamp"] != nil ? "Terminating" : cluster["status"]?["phase"]?.string ?? "Pending"
            let created = metadata?["creationTimestamp"]?.string.flatMap { Timestamp.parse($0) }
            let team = metadata?["namespace"]?.string ?? ""
            let end = (cluster["status"]?["expirationTime"]?.string).flatMap { Timestamp.parse($0) }
            table.rows.append(
                [
                    metadata?["name"]?.string ?? "", team == ClusterName.noTeam || team.isEmpty ? "<none>" : team, phase,
                    end.map { "in \(shortDuration(seconds: $0 - now))" } ?? "never",
                    created.map { shortDuration(seconds: now - $0) } ?? "<unknown>",
                ] + (isWide ? wide(cluster, now: now) : []))
        }
        return table
    }

    /// `app=shop,stage=test`
    private static func labels(_ cluster: JSON) -> String {
        let labels = (cluster[path: "metadata", "labels"]?.object ?? [:]).map { "\($0.key)=\($0.value.string ?? "")" }
        return labels.isEmpty ? "<none>" : labels.sorted().joined(separator: ",")
    }

    private static func wide(_ cluster: JSON, now: Double) -> [String] {
        let status = cluster["status"]
        let used = (status?["lastUsedTime"]?.string).flatMap { Timestamp.parse($0) }
        let awake = (status?["conditions"]?.elements ?? []).first { $0["type"]?.string == "Awake" }
        return [
            used.map { "\(shortDuration(seconds: now - $0)) ago" } ?? "<none>", awake?["reason"]?.string ?? "<none>",
            cluster[path: "spec", "isolation"]?.string ?? "shared", status?["architecture"]?.string ?? "<unknown>",
            status?["kubernetesVersion"]?.string ?? "<unknown>",
            status?["server"]?.string ?? "<none>", labels(cluster),
        ]
    }
}
