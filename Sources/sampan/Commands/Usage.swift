import ArgumentParser
import Fleet
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan usage`
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Show what teams and clusters have used, out of the hourly ledger.",
        discussion: """
            Times are as 2026-11-28T07:00:00Z, as 2026-11-28, or as so long ago: 90m, 24h, 7d. The hour that isn't over yet is counted as far as \
            it has gone. Without --team administrators see everybody's use, and members their own team's.

            EXAMPLES
              sampan usage                                   the last day, by cluster
              sampan usage --team blue --since 7d --by day
              sampan usage --since 2026-11-01 --until 2026-12-01 --by team -o csv
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, wide, csv, json, yaml
    }

    @OptionGroup var instance: InstanceOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The team whose use is shown, or SAMPAN_TEAM; default for clusters that are no team's. (default: everybody's)",
            valueName: "team"), completion: Completions.teams)
    var team: String = ProcessInfo.processInfo.environment["SAMPAN_TEAM"] ?? ""

    @Option(help: ArgumentHelp("From when on.", valueName: "time"))
    var since: String = "24h"

    @Option(help: ArgumentHelp("Until when. (default: now)", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("What a line is for: cluster, hour, day or team.", valueName: "what"))
    var by: String = "cluster"

    @Option(name: .shortAndLong, help: "table, wide, csv, json or yaml.")
    var output: Format = .table

    func validate() throws {
        let now = Date().timeIntervalSince1970
        let begin = try Self.time(since, option: "--since", now: now)
        let end = try until.map { try Self.time($0, option: "--until", now: now) } ?? now
        guard begin < end else {
            throw ValidationError("--since \(since) isn't before \(until.map { "--until \($0)" } ?? "now").")
        }
        guard ["cluster", "hour", "day", "team"].contains(by) else {
            throw ValidationError("--by \(by): it is cluster, hour, day or team.")
        }
    }

    /// A time as people write it, in seconds since 1970.
    static func time(_ text: String, option: String, now: Double) throws -> Double {
        if let time = Timestamp.parse(text) ?? Timestamp.parse(text + "T00:00:00Z") { return time }
        let units: [Character: Double] = ["m": 60, "h": 3600, "d": 86_400]
        if let last = text.last, let unit = units[last], let count = Double(text.dropLast()), count.isFinite, count > 0,
            count < 1e6
        {
            return now - count * unit
        }
        throw ValidationError(
            "\(option) \(text): write a time such as 2026-11-28T07:00:00Z, a day such as 2026-11-28, or how long ago: 24h, 7d.")
    }

    func run() async throws {
        let now = Date().timeIntervalSince1970
        var request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "UsageReport", "by": .string(by)]
        request["since"] = .string(Timestamp.format(try Self.time(since, option: "--since", now: now)))
        if let until { request["until"] = .string(Timestamp.format(try Self.time(until, option: "--until", now: now))) }
        let question = request
        let records = try await PlatformAPI.with(instance) { api in
            let name = team.isEmpty ? api.standingTeam : team
            var records: [JSON] = []
            for name in name.isEmpty ? try await Self.everybody(api) : [name] {
                let answer = try await api.client.create(question, at: api.teamPath(name, subresource: "usage"))
                records += answer["records"]?.elements ?? []
            }
            // A team that is gone is in the ledger; one that never was is a slip.
            if records.isEmpty, name != ClusterName.noTeam { try await api.requireTeam(name) }
            return records
        }
        switch output {
        case .json: Console.out(String(decoding: JSON.array(records).encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(.array(records)))
        case .csv: Console.out(Self.csv(records))
        case .table, .wide:
            guard !records.isEmpty else {
                Console.note("Nothing was used in that time.")
                return
            }
            Console.out(Self.table(records, isWide: output == .wide).description)
        }
    }

    private static func everybody(_ api: PlatformAPI) async throws -> [String] {
        let teams = try await api.visibleTeams()["items"]?.elements ?? []
        return [ClusterName.noTeam] + teams.compactMap { $0["metadata"]?["name"]?.string }
    }

    private static let fields = [
        "time", "team", "cluster", "clusterUID", "cpuSeconds", "memoryGiBHours", "storageGiBHours", "awakeHours", "requests",
    ]

    private static func text(_ record: JSON, _ field: String) -> String {
        switch record[field] {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): String(number)
        default: ""
        }
    }

    /// A heading, and a line for each record (RFC 4180). No field can have a comma or a quotation mark in it.
    static func csv(_ records: [JSON]) -> String {
        ([fields.joined(separator: ",")] + records.map { record in fields.map { text(record, $0) }.joined(separator: ",") })
            .map { $0 + "\r\n" }.joined()
    }

    static func table(_ records: [JSON], isWide: Bool) -> Table {
        func has(_ field: String) -> Bool { records.contains { $0[field] != nil } }
        func rounded(_ record: JSON, _ field: String) -> String {
            let value: Double =
                switch record[field] {
                case .int(let number): Double(number)
                case .double(let number): number
                default: 0
                }
            return String((value * 100).rounded() / 100)
        }
        var columns: [(String, (JSON) -> String)] = []
        if has("time") { columns.append(("TIME", { text($0, "time") })) }
        columns.append(("TEAM", { text($0, "team") == ClusterName.noTeam ? "<none>" : text($0, "team") }))
        if has("cluster") { columns.append(("CLUSTER", { text($0, "cluster") })) }
        columns += [
            ("CPU-SECONDS", { rounded($0, "cpuSeconds") }), ("MEMORY-GIB-H", { rounded($0, "memoryGiBHours") }),
            ("STORAGE-GIB-H", { rounded($0, "storageGiBHours") }), ("AWAKE-H", { rounded($0, "awakeHours") }),
            ("REQUESTS", { text($0, "requests") }),
        ]
        // Clusters of one name, of which one was made (or brought back) after the other.
        var uids: [[String]: Set<String>] = [:]
        for record in records where has("cluster") {
            uids[[text(record, "team"), text(record, "cluster")], default: []].insert(text(record, "clusterUID"))
        }
        if isWide || uids.values.contains(where: { $0.count > 1 }), has("clusterUID") {
            columns.append(("CLUSTER-UID", { text($0, "clusterUID") }))
        }
        if isWide {
            columns.append(("OPEN", { $0["open"]?.bool == true ? "yes" : "no" }))
        }
        var table = Table(columns: columns.map(\.0))
        for record in records { table.rows.append(columns.map { $0.1(record) }) }
        return table
    }
}
