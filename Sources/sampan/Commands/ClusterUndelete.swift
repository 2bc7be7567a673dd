import ArgumentParser
import Fleet
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan cluster undelete NAME`
struct ClusterUndelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete", abstract: "Bring a deleted virtual cluster back.",
        discussion: """
            It is as it was, with its objects, volumes and keys: kubeconfigs and tokens from before are good again. Its pods start anew. Of several
            that were called NAME the one that was deleted last is meant; the name in `sampan cluster list --deleted -o name` is one's own.

            EXAMPLES
              sampan cluster list --deleted
              sampan cluster undelete demo
              sampan cluster undelete demo --as demo-before     when there is another demo by now
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(
        help: ArgumentHelp("What it was called, or its name among the deleted ones.", valueName: "name"),
        completion: Completions.deletedClusters)
    var name: String

    @Option(name: .customLong("as"), help: ArgumentHelp("What it is to be called. (default: as before)", valueName: "name"))
    var new: String?

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            let start = ContinuousClock.now
            guard let deleted = try await DeletedClusters.all(called: name, team: team.team, api).first,
                let own = deleted["metadata"]?["name"]?.string
            else {
                throw CommandFailure(
                    "There is no deleted cluster \(name).",
                    hint: "See them with `sampan cluster list --deleted`; what isn't there is gone for good.")
            }
            var request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterUndelete"]
            if let new { request["name"] = .string(new) }
            do {
                let answer = try await api.client.create(
                    request, at: api.deletedPath(own, team: team.team, subresource: "undelete"))
                let named = answer["name"]?.string ?? name
                output.print(
                    try await api.client.get(api.path(named, team: team.team)), name: named,
                    "cluster \(named) is back after \((ContinuousClock.now - start).text)")
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure(
                    "There is a cluster \(new ?? deleted["spec"]?["name"]?.string ?? name) by now.",
                    hint: "Give this one another name: sampan cluster undelete \(own)\(team.argument) --as NAME")
            }
        }
    }
}

/// What commands ask of deleted clusters.
enum DeletedClusters {
    /// Those that were called so, or whose own name it is; the one that was deleted last first.
    static func all(called name: String, team: String, _ api: PlatformAPI) async throws -> [JSON] {
        let items = try await api.client.list(api.deletedPath(team: team))["items"]?.elements ?? []
        func deletion(_ cluster: JSON) -> String { cluster["spec"]?["deletionTime"]?.string ?? "" }
        let own = items.filter { $0["metadata"]?["name"]?.string == name }
        return (own.isEmpty ? items.filter { $0["spec"]?["name"]?.string == name } : own).filter {
            $0["metadata"]?["deletionTimestamp"] == nil
        }.sorted { deletion($0) > deletion($1) }
    }

    static func table(_ clusters: [JSON], now: Double) -> Table {
        var table = Table(columns: ["NAME", "CLUSTER", "TEAM", "DELETED", "GONE", "STORAGE"])
        for cluster in clusters {
            func time(_ field: String) -> Double? { (cluster["spec"]?[field]?.string).flatMap { Timestamp.parse($0) } }
            let team = cluster["metadata"]?["namespace"]?.string ?? ""
            table.rows.append([
                cluster["metadata"]?["name"]?.string ?? "", cluster["spec"]?["name"]?.string ?? "",
                team == ClusterName.noTeam || team.isEmpty ? "<none>" : team,
                time("deletionTime").map { "\(shortDuration(seconds: now - $0)) ago" } ?? "<unknown>",
                time("expirationTime").map { "in \(shortDuration(seconds: max($0 - now, 0)))" } ?? "never",
                cluster["spec"]?["storage"]?.string ?? "0",
            ])
        }
        return table
    }
}
