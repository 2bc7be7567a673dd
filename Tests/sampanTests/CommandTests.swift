import ArgumentParser
import KubeObject
import Testing

@testable import sampan

struct CommandLineTests {
    @Test(arguments: [
        ["up"], ["up", "--data-dir", "/x", "--no-containers", "-o", "json"], ["down", "--remove-data"], ["status", "-o", "json"],
        ["serve", "--data-dir", "/x"], ["cluster", "create", "a", "b", "--no-wait"], ["cluster", "list", "-o", "name"],
        ["cluster", "delete", "a", "--ignore-not-found"], ["cluster", "kubeconfig", "a", "--merge"],
        ["cluster", "kubeconfig", "a", "-o", "file"], ["image", "load", "a.tar"], ["image", "list", "-o", "json"], ["version"],
        ["doctor", "--all"], ["quota", "set", "memory=4Gi", "pods=none", "--team", "blue"],
        ["usage", "--since", "7d", "-o", "csv"], ["cluster", "create", "a", "-l", "stage=test", "-o", "wide"],
        [
            "team", "create", "a", "--clusters", "none", "--isolation", "shared,gvisor", "--default-isolation", "gvisor",
            "--no-wait",
        ],
        ["cluster", "list", "-l", "stage=test", "-A"], ["completion", "fish"], ["team", "delete", "a", "--now", "-o", "json"],
        ["cluster", "snapshot", "a", "--no-volumes"],
    ])
    func parses(_ arguments: [String]) throws {
        _ = try Sampan.parseAsRoot(arguments)
    }

    @Test(arguments: [
        ["cluster", "create"], ["cluster", "kubeconfig", "a", "--merge", "-o", "f"],
        ["cluster", "kubeconfig", "a", "--kubeconfig", "f"],
        ["status", "-o", "xml"], ["sail"], ["quota", "set", "ram=1"], ["quota", "set", "pods=-1"], ["usage", "--since", "soon"],
        ["usage", "--by", "minute"], ["cluster", "create", "a", "--limit", "cpu=much"],
        ["cluster", "create", "a", "--label", "stage"], ["team", "create", "a", "--isolation", "vm"],
        ["team", "create", "a", "--default-isolation", "both"], ["team", "create", "a", "--member", " =owner"],
    ])
    func refuses(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try Sampan.parseAsRoot(arguments) }
    }
}

struct OutputTests {
    static let ages: [(Int, String)] = [
        (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (10_800, "3h"), (10_860, "3h1m"), (28_800, "8h"),
        (172_800, "2d"), (180_000, "2d2h"), (777_600, "9d"), (-5, "0s"),
    ]

    @Test(arguments: ages)
    func agesLikeKubectl(_ seconds: Int, _ text: String) {
        #expect(shortDuration(seconds: Double(seconds)) == text)
    }

    @Test(arguments: [
        (Duration.microseconds(850), "850 µs"), (.milliseconds(12), "12 ms"), (.milliseconds(3450), "3.4 s"),
        (.seconds(125), "2 min 5 s"),
    ])
    func spellsDurations(_ duration: Duration, _ text: String) {
        #expect(duration.text == text)
    }

    @Test func alignsColumns() {
        let table = Table(columns: ["NAME", "AGE"], rows: [["a-long-name", "1s"], ["b", "12d"]])
        #expect(table.description == "NAME          AGE\na-long-name   1s\nb             12d\n")
    }

    @Test func membersAreAddedReplacedAndTakenOut() throws {
        var spec: JSON = [
            "members": [["user": "alice", "role": "viewer"], ["user": "bob", "role": "viewer"]], "quota": ["clusters": 3],
        ]
        try TeamSpecOptions.parse(["--member", "alice=owner", "--member", "group:devs=developer", "--ttl", "8h"])
            .apply(to: &spec, without: ["bob"])
        #expect(spec["members"] == [["user": "alice", "role": "owner"], ["group": "devs", "role": "developer"]])
        #expect(spec["quota"] == ["clusters": 3])
        #expect(spec["clusterLifetime"] == ["default": "8h"])
        for wrong in ["alice", "alice=king", "=owner", "a=b=owner"] {
            #expect(throws: (any Error).self) { try TeamSpecOptions.member(wrong) }
        }
        // A slip would leave somebody in.
        let failure = #expect(throws: CommandFailure.self) {
            try TeamSpecOptions.parse([]).apply(to: &spec, without: ["alcie"])
        }
        #expect(failure?.description == "--without alcie: there is no such member.\nThe team's members are alice, group:devs.")
    }

    @Test func whatATeamsClustersMayBeIsSet() throws {
        var spec: JSON = [:]
        try TeamSpecOptions.parse([
            "--isolation", "shared,gvisor", "--default-isolation", "gvisor", "--max-credential-ttl", "24h", "--clusters", "2",
        ]).apply(to: &spec)
        #expect(
            spec == [
                "isolation": ["allowed": ["shared", "gvisor"], "default": "gvisor"], "credentialLifetime": ["maximum": "24h"],
                "quota": ["clusters": 2],
            ])
        #expect(TeamList.table([["spec": spec]], isWide: true).rows[0].contains("gvisor of shared,gvisor"))
        try TeamSpecOptions.parse([
            "--isolation", "all", "--default-isolation", "none", "--max-credential-ttl", "none", "--clusters", "none",
        ]).apply(to: &spec)
        #expect(spec == ["isolation": [:], "credentialLifetime": [:], "quota": [:]])
    }

    @Test(arguments: [
        (["--clusters", "-1"], "--clusters -1: must be a number of 0 or more, or none."),
        (["--awake-clusters", "-2"], "--awake-clusters -2: must be a number of 0 or more, or none."),
        (["--cpu", "-1"], "--cpu -1: must be 0 or more, such as 4 or 500m, or none."),
        (["--memory", "much"], "--memory much: give a quantity such as 8Gi, or none."),
    ])
    func saysWhatAnAmountMustBe(_ arguments: [String], _ message: String) {
        let error = #expect(throws: (any Error).self) { try TeamSpecOptions.parse(arguments) }
        #expect(error.map { TeamSpecOptions.message(for: $0) } == message)
    }

    @Test func membersTeamsAreInTheirRules() {
        func rule(_ group: String, _ resource: String, _ verb: String, _ names: [String]) -> JSON {
            [
                "apiGroups": [.string(group)], "resources": [.string(resource)], "verbs": [.string(verb)],
                "resourceNames": JSON(names),
            ]
        }
        #expect(
            PlatformAPI.teams(in: [
                rule("sampan.dev", "teams", "get", ["red"]), rule("sampan.dev", "teams", "*", ["blue", "red"]),
                rule("sampan.dev", "teams/usage", "create", ["green"]), rule("apps", "teams", "get", ["grey"]),
                rule("sampan.dev", "teams", "update", ["white"]), ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]],
            ]) == ["blue", "red"])
    }

    @Test func clustersOfOneNameAreToldApartInTheLedger() {
        func record(_ name: String, _ uid: String) -> JSON {
            ["team": "blue", "cluster": .string(name), "clusterUID": .string(uid)]
        }
        #expect(!UsageCommand.table([record("a", "1"), record("b", "2")], isWide: false).columns.contains("CLUSTER-UID"))
        #expect(UsageCommand.table([record("a", "1"), record("a", "2")], isWide: false).columns.contains("CLUSTER-UID"))
    }

    @Test func completionsKnowWhatWasTypedBefore() {
        func team(_ words: String...) -> String? { Completions.value(of: ["--team", "-t"], in: words) }
        #expect(team("sampan", "cluster", "delete", "--team", "blue", "") == "blue")
        #expect(team("sampan", "cluster", "delete", "--team=blue", "") == "blue")
        #expect(team("sampan", "cluster", "delete", "-t", "") == nil)
        #expect(team("sampan", "cluster", "delete", "") == nil)
    }

    @Test func snapshotsHaveTheTimeInTheirNames() {
        #expect(ClusterSnapshot.fileName("demo", 0) == "demo-19700101T000000Z.sampan")
    }

    @Test func listsClusters() {
        let clusters: [JSON] = [
            ["metadata": ["name": "a", "creationTimestamp": "1970-01-01T00:00:10Z"], "status": ["phase": "Ready"]],
            [
                "metadata": ["name": "a", "namespace": "blue", "creationTimestamp": "1970-01-01T00:00:10Z"],
                "status": ["phase": "Ready", "expirationTime": "1970-01-01T01:00:40Z"],
            ],
            ["metadata": ["name": "b", "deletionTimestamp": "1970-01-01T00:00:10Z"], "status": ["phase": "Ready"]],
            ["metadata": ["name": "c"]],
        ]
        let table = ClusterList.table(clusters, now: 40)
        #expect(
            table.rows == [
                ["a", "<none>", "Ready", "never", "30s"], ["a", "blue", "Ready", "in 60m", "30s"],
                ["b", "<none>", "Terminating", "never", "<unknown>"], ["c", "<none>", "Pending", "never", "<unknown>"],
            ])
        #expect(
            ClusterList.table(clusters, now: 40, isWide: true).rows[3].suffix(6) == [
                "<none>", "shared", "<unknown>", "<unknown>", "<none>", "<none>",
            ])
        let labelled: JSON = ["metadata": ["name": "d", "labels": ["b": "2", "a": ""]]]
        #expect(ClusterList.table([labelled], now: 40, isWide: true).rows[0].last == "a=,b=2")
    }

    @Test func widerTablesTellMore() {
        let team: JSON = [
            "metadata": ["name": "blue"], "spec": ["quota": ["clusters": 3, "awakeClusters": 2, "memory": "8Gi"]],
            "status": ["clusters": 1, "awakeClusters": 1, "used": ["memory": "1Gi"]],
        ]
        let (columns, row) = { ($0.columns, $0.rows[0]) }(TeamList.table([team], isWide: true))
        #expect(columns.count == row.count)
        #expect(row.contains("1 of 2"))
        #expect(row.contains("1Gi of 8Gi"))
        let entries = QuotaShow.entries(teams: [team], clusters: [])
        #expect(QuotaShow.table(entries, isWide: true).rows[0].contains("1 of 3"))
        #expect(QuotaShow.table(entries).rows[0].count == 7)
        // What isn't limited is counted all the same.
        let free = QuotaShow.entries(teams: [["spec": ["quota": ["clusters": 2]], "status": ["awakeClusters": 1]]], clusters: [])
        #expect(free.first?.used["awakeClusters"]?.int == 1)
        // A team that is only limited in clusters has a quota, too.
        #expect(
            QuotaShow.entries(teams: [["metadata": ["name": "x"], "spec": ["quota": ["clusters": 1]]]], clusters: []).count == 1)
    }
}

struct ParsingTests {
    @Test func findsOnlyTheInstancesOwnTables() {
        let list = "table inet sampan_sampan\ntable inet sampan_my_two\ntable ip nat\ntable ip sampan_sampans\n"
        #expect(Teardown.tables(of: "sampan", in: list) == [["inet", "sampan_sampan"]])
        #expect(Teardown.tables(of: "my-two", in: list) == [["inet", "sampan_my_two"]])
    }
}
