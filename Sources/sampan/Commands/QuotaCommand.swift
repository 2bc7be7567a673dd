import ArgumentParser
import Fleet
import KubeClient
import KubeObject

/// `sampan quota show|set`
struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Show and set what teams and clusters may have of the machine.",
        discussion: """
            A pod counts with the processor time that it requests and the memory that it is limited to; one that doesn't say gets a default. \
            A team's awake clusters count, and the storage and exposures (node ports, host ports) of all of them. More in docs/teams.md.

            EXAMPLES
              sampan quota                                       of everybody
              sampan quota show --team blue                      of a team and its clusters
              sampan quota set memory=8Gi pods=50 exposures=20 --team blue
              sampan quota set memory=2Gi --team blue --cluster demo
              sampan quota set memory=none --team blue
            """,
        subcommands: [QuotaShow.self, QuotaSet.self], defaultSubcommand: QuotaShow.self, aliases: ["quotas"])
}

struct QuotaShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what teams and clusters have, and what they may have.", aliases: ["list", "ls"])

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let (teams, clusters) = try await PlatformAPI.with(instance) { api in
            let name = team.team.isEmpty ? api.standingTeam : team.team
            guard !name.isEmpty else {
                let teams = try await api.client.list(api.teamPath())
                let clusters = try await api.client.list(ResourcePath(PlatformAPI.virtualClusters))
                return (teams["items"]?.elements ?? [], clusters["items"]?.elements ?? [])
            }
            do {
                let found = try await api.client.get(api.teamPath(name))
                return ([found], try await api.client.list(api.path(team: name))["items"]?.elements ?? [])
            } catch {
                throw TeamCommand.notFoundHint(error, name)
            }
        }
        let entries = Self.entries(teams: teams, clusters: clusters)
        let list: JSON = .array(entries.map(\.tree))
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name: Console.out(entries.map { "\($0.name)\n" }.joined())
        case .table, .wide:
            guard !entries.isEmpty else {
                Console.note("Nobody has a quota. Set one with `sampan quota set memory=8Gi --team NAME`.")
                return
            }
            Console.out(Self.table(entries, isWide: output == .wide).description)
        }
    }

    /// One who has limits, or is a cluster of a team with limits.
    struct Entry {
        /// `team/blue` or `cluster/blue--demo`.
        var name: String
        var used: JSON
        var limits: JSON
        var state: String

        var tree: JSON { ["name": .string(name), "used": used, "limits": limits, "state": .string(state)] }
    }

    static func entries(teams: [JSON], clusters: [JSON]) -> [Entry] {
        func entry(_ object: JSON, _ name: String, _ part: String) -> Entry? {
            var used = object[path: "status", "used"] ?? [:]
            var limits: JSON = [:]
            for count in counts { limits[count] = object[path: "spec", part, count] }
            for resource in MachineOptions.names { limits[resource] = object[path: "spec", part, resource] }
            guard used != [:] || limits != [:] else { return nil }
            if part == "quota" {
                for count in counts { used[count] = object[path: "status", count] ?? 0 }
            }
            let condition = (object[path: "status", "conditions"]?.elements ?? []).first { $0["type"]?.string == "WithinQuota" }
            return Entry(name: name, used: used, limits: limits, state: condition?["reason"]?.string ?? "")
        }
        func name(_ object: JSON) -> String { object[path: "metadata", "name"]?.string ?? "" }
        return teams.compactMap { entry($0, "team/\(name($0))", "quota") }
            + clusters.compactMap { cluster in
                let namespace = cluster[path: "metadata", "namespace"]?.string ?? ""
                return entry(cluster, "cluster/\(ClusterName.logical(namespace: namespace, name: name(cluster)))", "limits")
            }
    }

    /// What a team may have of clusters.
    private static let counts = ["clusters", "awakeClusters"]

    static func table(_ entries: [Entry], isWide: Bool = false) -> Table {
        let more = isWide ? ["CLUSTERS", "AWAKE"] : []
        var table = Table(columns: ["NAME", "PODS", "CPU", "MEMORY", "STORAGE", "EXPOSURES"] + more + ["STATE"])
        for entry in entries {
            let cells = (MachineOptions.names + (isWide ? counts : [])).map { resource in
                let used = text(entry.used[resource]) ?? (counts.contains(resource) ? "" : "0")
                return text(entry.limits[resource]).map { "\(used) of \($0)" } ?? used
            }
            table.rows.append([entry.name] + cells + [entry.state.isEmpty ? "<none>" : entry.state])
        }
        return table
    }

    private static func text(_ amount: JSON?) -> String? { amount?.string ?? amount?.int.map { String($0) } }
}

struct QuotaSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set what a team, or one cluster, may have; what isn't named stays.",
        discussion: "This is for the platform's administrators. What runs already goes on when a limit becomes less.")

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Option(help: ArgumentHelp("This cluster alone, and not its team.", valueName: "name"))
    var cluster: String?

    @Argument(
        help: ArgumentHelp("pods, cpu, memory, storage or exposures, each with an amount or none.", valueName: "resource=amount"))
    var amounts: [String]

    func validate() throws { _ = try changes() }

    private func changes() throws -> [(String, JSON?)] {
        try MachineOptions.parse(try amounts.map(MachineOptions.split), option: { "\($0)=\($1)" })
    }

    func run() async throws {
        let changes = try changes()
        try await PlatformAPI.with(instance) { api in
            let name = team.team.isEmpty ? api.standingTeam : team.team
            if let cluster {
                do {
                    try await Self.set(changes, "limits", at: api.path(cluster, team: name), api)
                } catch {
                    throw PlatformAPI.notFoundHint(error, cluster)
                }
                Console.out("limits of cluster \(cluster) changed\n")
            } else {
                guard !name.isEmpty else { throw ValidationError("Say whose quota: --team NAME, or --cluster NAME.") }
                do {
                    try await Self.set(changes, "quota", at: api.teamPath(name), api)
                } catch {
                    throw TeamCommand.notFoundHint(error, name)
                }
                Console.out("quota of team \(name) changed\n")
            }
        }
    }

    private static func set(
        _ changes: [(String, JSON?)], _ part: String, at path: ResourcePath, _ api: PlatformAPI
    ) async throws {
        // The resourceVersion goes along: nobody's change in between is lost. Servers write statuses, so that it may have to be done again.
        for attempt in 1...10 {
            var object = try await api.client.get(path)
            for (name, amount) in changes { object[path: "spec", part, name] = amount }
            do {
                _ = try await api.client.update(object, at: path)
                return
            } catch let error as StatusError where error.code == 409 && attempt < 10 {
                continue
            }
        }
    }
}
