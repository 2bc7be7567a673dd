import ArgumentParser
import KubeClient
import KubeObject
import KubeRegistry

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

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many clusters it may have at once, or none for any number.", valueName: "count"))
    var clusters: String?

    @Option(
        name: .customLong("awake-clusters"), parsing: .unconditional,
        help: ArgumentHelp("How many of them may be awake at once.", valueName: "count"))
    var awakeClusters: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many pods its awake clusters may have, or none for any number.", valueName: "count"))
    var pods: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The processor time that these pods may request, such as 4 or 500m.", valueName: "amount"))
    var cpu: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The memory that these pods may be limited to, such as 8Gi.", valueName: "amount"))
    var memory: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What its clusters' volume claims may request, such as 20Gi.", valueName: "amount"))
    var storage: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many ways in from outside its clusters may have: node ports and host ports.", valueName: "count"))
    var exposures: String?

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

    @Option(
        help: ArgumentHelp(
            "What may keep its clusters' pods from the machine: shared, gvisor or both with a comma; all for any.",
            valueName: "classes"), completion: .list(classes + ["all"]))
    var isolation: String?

    @Option(
        name: .customLong("default-isolation"),
        help: ArgumentHelp("The one of them for clusters that don't say so themselves, or none.", valueName: "class"),
        completion: .list(classes + ["none"]))
    var defaultIsolation: String?

    @Option(
        name: .customLong("max-credential-ttl"),
        help: ArgumentHelp(
            "How long client certificates are valid at most that its members get for its clusters, or none for a year.",
            valueName: "duration"))
    var maximumCredentialLifetime: String?

    @Option(help: "What the team is.")
    var description: String?

    private static let classes = ClusterPolicy.Isolation.allCases.map(\.rawValue)

    func validate() throws {
        for member in members { _ = try Self.member(member) }
        _ = try parsedAmounts()
        let known = Self.classes
        if let isolation, isolation != "all", !isolation.split(separator: ",").allSatisfy({ known.contains(String($0)) }) {
            throw ValidationError("--isolation \(isolation): write \(known.joined(separator: ", ")), both with a comma, or all.")
        }
        if let defaultIsolation, defaultIsolation != "none", !known.contains(defaultIsolation) {
            throw ValidationError("--default-isolation \(defaultIsolation): it is \(known.joined(separator: ", ")) or none.")
        }
    }

    private func parsedAmounts() throws -> [(String, JSON?)] {
        try MachineOptions.parse(amounts, option: { "--\($0 == "awakeClusters" ? "awake-clusters" : $0) \($1)" })
    }

    private var amounts: [(String, String)] {
        [
            ("clusters", clusters), ("awakeClusters", awakeClusters), ("pods", pods), ("cpu", cpu), ("memory", memory),
            ("storage", storage), ("exposures", exposures),
        ].compactMap {
            name, text in
            text.map { (name, $0) }
        }
    }

    /// `alice=owner` as a member of the API.
    static func member(_ text: String) throws -> JSON {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[0].allSatisfy(\.isWhitespace),
            ["owner", "developer", "viewer"].contains(parts[1])
        else {
            throw ValidationError(
                "--member \(text): write USER=ROLE or group:NAME=ROLE, with the role owner, developer or viewer.")
        }
        let isGroup = parts[0].hasPrefix("group:")
        let name = String(isGroup ? parts[0].dropFirst(6) : parts[0])
        return [isGroup ? "group" : "user": .string(name), "role": .string(String(parts[1]))]
    }

    /// The members who are in it already, with these among them; who is there already gets the new role.
    ///
    /// - Parameter without: who is taken out.
    /// - Throws: when somebody is to be taken out who isn't in it.
    func merged(into known: [JSON], without: [String] = []) throws -> [JSON] {
        func name(_ member: JSON) -> String { member["group"]?.string.map { "group:" + $0 } ?? member["user"]?.string ?? "" }
        let added = try members.map(Self.member)
        let names = known.map(name)
        if let stranger = without.first(where: { !names.contains($0) }) {
            throw CommandFailure(
                "--without \(stranger): there is no such member.",
                hint: names.isEmpty ? "The team has no members." : "The team's members are \(names.joined(separator: ", ")).")
        }
        let replaced = Set(added.map(name) + without)
        return known.filter { !replaced.contains(name($0)) } + added
    }

    /// The options that were given, over a spec.
    func apply(to spec: inout JSON, without: [String] = []) throws {
        let known = spec["members"]?.elements ?? []
        if !members.isEmpty || !without.isEmpty { spec["members"] = .array(try merged(into: known, without: without)) }
        for (name, amount) in try parsedAmounts() { spec[path: "quota", name] = amount }
        if let ttl { spec[path: "clusterLifetime", "default"] = .string(ttl) }
        if let maximumLifetime { spec[path: "clusterLifetime", "maximum"] = .string(maximumLifetime) }
        if let idle { spec[path: "clusterSleep", "default"] = .string(idle) }
        if let maximumIdle { spec[path: "clusterSleep", "maximum"] = .string(maximumIdle) }
        if let isolation {
            spec[path: "isolation", "allowed"] =
                isolation == "all" ? nil : JSON(isolation.split(separator: ",").map(String.init))
        }
        if let defaultIsolation {
            spec[path: "isolation", "default"] = defaultIsolation == "none" ? nil : .string(defaultIsolation)
        }
        if let maximumCredentialLifetime {
            spec[path: "credentialLifetime", "maximum"] =
                maximumCredentialLifetime == "none" ? nil : .string(maximumCredentialLifetime)
        }
        if let description { spec["description"] = .string(description) }
    }
}

struct TeamCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a team.")

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var options: TeamSpecOptions

    @Argument(help: "A DNS label of at most 40 bytes.")
    var name: String

    @Flag(inversion: .prefixedNo, help: "Return when the team's clusters can be made.")
    var wait = true

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            var spec: JSON = [:]
            try options.apply(to: &spec)
            var team: JSON = [
                "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": ["name": .string(name)], "spec": spec,
            ]
            do {
                team = try await api.client.create(team, at: api.teamPath())
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure("There is a team \(name) already.", hint: "Change it with `sampan team set \(name)`.")
            }
            var progress = Progress("waiting until team \(name) is ready")
            while wait {
                team = try await api.client.get(api.teamPath(name))
                let ready = (team["status"]?["conditions"]?.elements ?? []).first { $0["type"]?.string == "Ready" }
                if ready?["status"]?.string == "True" { break }
                guard progress.elapsed < .seconds(30) else {
                    throw CommandFailure("Team \(name) isn't ready: \(ready?["message"]?.string ?? "nothing was heard of it").")
                }
                progress.tick()
                try await Task.sleep(for: .milliseconds(10))
            }
            output.print(team, name: name, "team \(name) created")
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

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    @Argument(help: "The team.", completion: Completions.teams)
    var name: String

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            do {
                output.print(try await change(api), name: name, "team \(name) changed")
            } catch {
                throw TeamCommand.notFoundHint(error, name)
            }
            guard !without.isEmpty else { return }
            Console.note(
                "What \(without.joined(separator: ", ")) got before to get into the team's clusters goes on working until it expires; end that at once with `sampan cluster rotate-authority CLUSTER --team \(name)` and then --retire."
            )
        }
    }

    /// The resourceVersion goes along: nobody's change in between is lost. Servers write statuses, so that it may have to be done again.
    private func change(_ api: PlatformAPI) async throws -> JSON {
        for attempt in 1... {
            var team = try await api.client.get(api.teamPath(name))
            var spec = team["spec"] ?? [:]
            try options.apply(to: &spec, without: without)
            team["spec"] = spec
            do {
                return try await api.client.update(team, at: api.teamPath(name))
            } catch let error as StatusError where error.code == 409 && attempt < 10 {
                continue
            }
        }
        return [:]
    }
}

struct TeamList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the teams: all of them, or for a member those that they are in.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let list = try await PlatformAPI.with(instance) { try await $0.visibleTeams() }
        let teams = list["items"]?.elements ?? []
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name: Console.out(teams.map { "\($0["metadata"]?["name"]?.string ?? "")\n" }.joined())
        case .table, .wide:
            guard !teams.isEmpty else {
                Console.note("There are no teams that you could see. An administrator makes one with `sampan team create NAME`.")
                return
            }
            Console.out(Self.table(teams, isWide: output == .wide).description)
        }
    }

    /// What of the machine teams have, as the quota's and the status' members are called.
    private static let machine = ["pods", "cpu", "memory", "storage", "exposures"]

    static func table(_ teams: [JSON], isWide: Bool = false) -> Table {
        let more = isWide ? ["AWAKE", "SLEEP-AFTER", "ISOLATION", "CREDENTIALS"] + machine.map { $0.uppercased() } : []
        var table = Table(columns: ["NAME", "CLUSTERS", "TTL", "MEMBERS"] + more)
        for team in teams {
            let spec = team["spec"]
            let members = (spec?["members"]?.elements ?? []).map { member in
                "\(member["group"]?.string.map { "group:" + $0 } ?? member["user"]?.string ?? "")=\(member["role"]?.string ?? "")"
            }
            let used = team["status"]?["clusters"]?.int ?? 0
            let quota = spec?["quota"]?["clusters"]?.int
            let lifetime = spec?["clusterLifetime"]?["default"]?.string ?? spec?["clusterLifetime"]?["maximum"]?.string
            table.rows.append(
                [
                    team["metadata"]?["name"]?.string ?? "", quota.map { "\(used) of \($0)" } ?? "\(used)", lifetime ?? "<none>",
                    members.isEmpty ? "<none>" : members.joined(separator: ","),
                ] + (isWide ? wide(team) : []))
        }
        return table
    }

    /// `gvisor of shared,gvisor`: the default, and what is allowed.
    private static func isolation(_ isolation: JSON?) -> String {
        let allowed = isolation?["allowed"]?.strings ?? []
        let standing = isolation?["default"]?.string ?? ""
        let all = allowed.isEmpty ? "<any>" : allowed.joined(separator: ",")
        return standing.isEmpty ? all : "\(standing) of \(all)"
    }

    /// What is used, and of how much.
    private static func wide(_ team: JSON) -> [String] {
        let (spec, status) = (team["spec"], team["status"])
        func text(_ value: JSON?) -> String? { value?.string ?? value?.int.map { "\($0)" } }
        func share(_ used: JSON?, _ limit: JSON?) -> String {
            guard let limit = text(limit) else { return text(used) ?? "<none>" }
            return "\(text(used) ?? "0") of \(limit)"
        }
        let sleep = spec?["clusterSleep"]
        return [
            share(status?["awakeClusters"], spec?[path: "quota", "awakeClusters"]),
            sleep?["default"]?.string ?? sleep?["maximum"]?.string ?? "<none>", isolation(spec?["isolation"]),
            spec?[path: "credentialLifetime", "maximum"]?.string ?? "<none>",
        ] + machine.map { share(status?[path: "used", $0], spec?[path: "quota", $0]) }
    }
}

struct TeamDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a team that has no clusters any more.",
        discussion:
            "Clusters of it that were deleted, and could be brought back until now, are gone for good with it: that takes --now.",
        aliases: ["rm"])

    @OptionGroup var instance: InstanceOptions

    @Argument(help: "The team.", completion: Completions.teams)
    var name: String

    @Flag(help: "Also when there are deleted clusters of it that could be brought back.")
    var now = false

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            do {
                if !now { try await requireNothingKept(api) }
                output.print(try await api.client.delete(api.teamPath(name)), name: name, "team \(name) deleted")
            } catch {
                throw TeamCommand.notFoundHint(error, name)
            }
        }
    }
}

extension TeamDelete {
    /// - Throws: which clusters are gone for good with the team.
    private func requireNothingKept(_ api: PlatformAPI) async throws {
        let kept = try await api.client.list(api.deletedPath(team: name))["items"]?.elements ?? []
        guard !kept.isEmpty else { return }
        let some = kept.prefix(5).map { cluster in
            "\(cluster[path: "spec", "name"]?.string ?? "") (until \(cluster[path: "spec", "expirationTime"]?.string ?? "its end"))"
        }
        throw CommandFailure(
            "Team \(name) has \(kept.count == 1 ? "a deleted cluster" : "\(kept.count) deleted clusters") that can be brought back, and not any more when the team is gone: \(some.joined(separator: ", "))\(kept.count > 5 ? ", and \(kept.count - 5) more" : "").",
            hint: "Bring back what is needed with `sampan cluster undelete NAME --team \(name)`, or add --now.")
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

    @Argument(help: "The team.", completion: Completions.teams)
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
