import ArgumentParser
import KubeClient
import KubeObject

/// `sampan team create|list|set|delete|kubeconfig`
struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Make teams, say who is in them and what they may have.",
        discussion: """
            A team's clusters live in a namespace of its name in the platform's API, where its members may work as their roles say: an owner \
            does everything and names the members, a developer makes and uses clusters, a viewer looks into them.

            EXAMPLES
              sampan team create blue --member alice=owner --member bob=developer --clusters 5 --ttl 72h
              sampan team set blue --member carol=viewer --without bob
              sampan team set blue --pods 50 --cpu 4 --memory 8Gi --storage 20Gi   # what it has of it: sampan quota
              sampan team kubeconfig blue alice --output alice.kubeconfig
              SAMPAN_KUBECONFIG=alice.kubeconfig sampan cluster create demo
            """,
        subcommands: [TeamCreate.self, TeamList.self, TeamSet.self, TeamDelete.self, TeamKubeconfig.self], aliases: ["teams"])
}

/// What a team is and may have, as options.
struct TeamSpecOptions: ParsableArguments {
    @Option(
        name: .customLong("member"),
        help: ArgumentHelp("USER=ROLE or group:NAME=ROLE; the role is owner, developer or viewer.", valueName: "member"))
    var members: [String] = []

    @Option(help: ArgumentHelp("How many clusters it may have at once.", valueName: "count"))
    var clusters: Int64?

    @Option(
        name: .customLong("awake-clusters"), help: ArgumentHelp("How many of them may be awake at once.", valueName: "count"))
    var awakeClusters: Int64?

    @Option(help: ArgumentHelp("How many pods its awake clusters may have, or none for any number.", valueName: "count"))
    var pods: String?

    @Option(help: ArgumentHelp("The processor time that these pods may request, such as 4 or 500m.", valueName: "amount"))
    var cpu: String?

    @Option(help: ArgumentHelp("The memory that these pods may be limited to, such as 8Gi.", valueName: "amount"))
    var memory: String?

    @Option(help: ArgumentHelp("What its clusters' volume claims may request, such as 20Gi.", valueName: "amount"))
    var storage: String?

    @Option(help: ArgumentHelp("How long its clusters live when they don't say so themselves.", valueName: "duration"))
    var ttl: String?

    @Option(name: .customLong("max-ttl"), help: ArgumentHelp("How long its clusters may live at most.", valueName: "duration"))
    var maximumLifetime: String?

    @Option(
        name: .customLong("sleep-after"),
        help: ArgumentHelp(
            "After how long without use its clusters sleep when they don't say so themselves.", valueName: "duration"))
    var idle: String?

    @Option(
        name: .customLong("max-sleep-after"),
        help: ArgumentHelp("After how long without use its clusters sleep at the latest.", valueName: "duration"))
    var maximumIdle: String?

    @Option(help: "What the team is.")
    var description: String?

    func validate() throws {
        for member in members { _ = try Self.member(member) }
        _ = try MachineOptions.parse(amounts, option: { "--\($0)" })
    }

    private var amounts: [(String, String)] {
        [("pods", pods), ("cpu", cpu), ("memory", memory), ("storage", storage)].compactMap { name, text in
            text.map { (name, $0) }
        }
    }

    /// `alice=owner` as a member of the API.
    static func member(_ text: String) throws -> JSON {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, ["owner", "developer", "viewer"].contains(parts[1]) else {
            throw ValidationError(
                "--member \(text): write USER=ROLE or group:NAME=ROLE, with the role owner, developer or viewer.")
        }
        let isGroup = parts[0].hasPrefix("group:")
        let name = String(isGroup ? parts[0].dropFirst(6) : parts[0])
        return [isGroup ? "group" : "user": .string(name), "role": .string(String(parts[1]))]
    }

    /// The members who are in it already, with these among them; who is there already gets the new role.
    func merged(into known: [JSON], without: [String] = []) throws -> [JSON] {
        func name(_ member: JSON) -> String { member["group"]?.string.map { "group:" + $0 } ?? member["user"]?.string ?? "" }
        let added = try members.map(Self.member)
        let replaced = Set(added.map(name) + without)
        return known.filter { !replaced.contains(name($0)) } + added
    }

    /// The options that were given, over a spec.
    func apply(to spec: inout JSON, without: [String] = []) throws {
        let known = spec["members"]?.elements ?? []
        if !members.isEmpty || !without.isEmpty { spec["members"] = .array(try merged(into: known, without: without)) }
        if let clusters { spec[path: "quota", "clusters"] = .int(clusters) }
        if let awakeClusters { spec[path: "quota", "awakeClusters"] = .int(awakeClusters) }
        for (name, amount) in try MachineOptions.parse(amounts, option: { "--\($0)" }) { spec[path: "quota", name] = amount }
        if let ttl { spec[path: "clusterLifetime", "default"] = .string(ttl) }
        if let maximumLifetime { spec[path: "clusterLifetime", "maximum"] = .string(maximumLifetime) }
        if let idle { spec[path: "clusterSleep", "default"] = .string(idle) }
        if let maximumIdle { spec[path: "clusterSleep", "maximum"] = .string(maximumIdle) }
        if let description { spec["description"] = .string(description) }
    }
}

struct TeamCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a team.")

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var options: TeamSpecOptions

    @Argument(help: "A DNS label of at most 40 bytes.")
    var name: String

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            var spec: JSON = [:]
            try options.apply(to: &spec)
            let team: JSON = [
                "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": ["name": .string(name)], "spec": spec,
            ]
            do {
                _ = try await api.client.create(team, at: api.teamPath())
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure("There is a team \(name) already.", hint: "Change it with `sampan team set \(name)`.")
            }
            var progress = Progress("waiting until team \(name) is ready")
            while true {
                let team = try await api.client.get(api.teamPath(name))
                let ready = (team["status"]?["conditions"]?.elements ?? []).first { $0["type"]?.string == "Ready" }
                if ready?["status"]?.string == "True" { break }
                guard progress.elapsed < .seconds(30) else {
                    throw CommandFailure("Team \(name) isn't ready: \(ready?["message"]?.string ?? "nothing was heard of it").")
                }
                progress.tick()
                try await Task.sleep(for: .milliseconds(10))
            }
            Console.out("team \(name) created\n")
        }
    }
}

struct TeamSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change a team's members, quota and its clusters' lifetime; what isn't named stays.")

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var options: TeamSpecOptions

    @Option(help: ArgumentHelp("Take this member out: USER or group:NAME.", valueName: "member"))
    var without: [String] = []

    @Argument(help: "The team.")
    var name: String

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            do {
                // The resourceVersion goes along: nobody's change in between is lost.
                var team = try await api.client.get(api.teamPath(name))
                var spec = team["spec"] ?? [:]
                try options.apply(to: &spec, without: without)
                team["spec"] = spec
                _ = try await api.client.update(team, at: api.teamPath(name))
            } catch {
                throw TeamCommand.notFoundHint(error, name)
            }
            Console.out("team \(name) changed\n")
        }
    }
}

struct TeamList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the teams.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let list = try await PlatformAPI.with(instance) { try await $0.client.list($0.teamPath()) }
        let teams = list["items"]?.elements ?? []
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name: Console.out(teams.map { "\($0["metadata"]?["name"]?.string ?? "")\n" }.joined())
        case .table:
            guard !teams.isEmpty else {
                Console.note("No teams yet. Make one with `sampan team create NAME`.")
                return
            }
            Console.out(Self.table(teams).description)
        }
    }

    static func table(_ teams: [JSON]) -> Table {
        var table = Table(columns: ["NAME", "CLUSTERS", "TTL", "MEMBERS"])
        for team in teams {
            let spec = team["spec"]
            let members = (spec?["members"]?.elements ?? []).map { member in
                "\(member["group"]?.string.map { "group:" + $0 } ?? member["user"]?.string ?? "")=\(member["role"]?.string ?? "")"
            }
            let used = team["status"]?["clusters"]?.int ?? 0
            let quota = spec?["quota"]?["clusters"]?.int
            let lifetime = spec?["clusterLifetime"]?["default"]?.string ?? spec?["clusterLifetime"]?["maximum"]?.string
            table.rows.append([
                team["metadata"]?["name"]?.string ?? "", quota.map { "\(used) of \($0)" } ?? "\(used)", lifetime ?? "<none>",
                members.isEmpty ? "<none>" : members.joined(separator: ","),
            ])
        }
        return table
    }
}

struct TeamDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a team that has no clusters any more.", aliases: ["rm"])

    @OptionGroup var instance: InstanceOptions

    @Argument(help: "The team.")
    var name: String

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            do {
                try await api.client.delete(api.teamPath(name))
            } catch {
                throw TeamCommand.notFoundHint(error, name)
            }
            Console.out("team \(name) deleted\n")
        }
    }
}

struct TeamKubeconfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubeconfig", abstract: "Make a kubeconfig by which a member is known to the platform.",
        discussion: """
            For places without an identity provider (see `sampan up --authentication-config`). Only the platform's administrators may do this. The \
            certificate in it is valid for 12 hours, if no other time is asked for.
            """)

    @OptionGroup var instance: InstanceOptions

    @Argument(help: "The team.")
    var name: String

    @Argument(help: "The member's user name.")
    var user: String

    @Option(name: .customLong("group"), help: ArgumentHelp("A group that the user is in.", valueName: "group"))
    var groups: [String] = []

    @OptionGroup var credential: CredentialOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("Write it to this file, with mode 0600.", valueName: "file"))
    var output: String?

    func run() async throws {
        let config: Kubeconfig
        do {
            config = try await PlatformAPI.with(instance) { api in
                var fields: JSONObject = ["user": .string(user), "groups": JSON(groups)]
                if let seconds = try credential.seconds() { fields["expirationSeconds"] = .int(seconds) }
                return try await api.kubeconfig(fields, at: api.teamPath(name, subresource: "kubeconfig"))
            }
        } catch {
            throw TeamCommand.notFoundHint(error, name)
        }
        if let output, output != "-" {
            try config.save(Paths.absolute(output))
            Console.out("kubeconfig of \(user) written to \(output)\n")
        } else {
            Console.out(config.text)
        }
    }
}

extension TeamCommand {
    static func notFoundHint(_ error: any Error, _ name: String) -> any Error {
        guard let status = error as? StatusError, status.code == 404 else { return error }
        return CommandFailure(
            "There is no team \(name).", hint: "See them with `sampan team list`, or make it with `sampan team create \(name)`.")
    }
}
