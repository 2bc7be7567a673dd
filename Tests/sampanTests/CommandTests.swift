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
        ["usage", "--since", "7d", "-o", "csv"],
    ])
    func parses(_ arguments: [String]) throws {
        _ = try Sampan.parseAsRoot(arguments)
    }

    @Test(arguments: [
        ["cluster", "create"], ["cluster", "kubeconfig", "a", "--merge", "-o", "f"],
        ["cluster", "kubeconfig", "a", "--kubeconfig", "f"],
        ["status", "-o", "xml"], ["sail"], ["quota", "set", "ram=1"], ["quota", "set", "pods=-1"], ["usage", "--since", "soon"],
        ["usage", "--by", "minute"], ["cluster", "create", "a", "--limit", "cpu=much"],
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
    }
}

struct ParsingTests {
    @Test func findsOnlyTheInstancesOwnTables() {
        let list = "table inet sampan_sampan\ntable inet sampan_my_two\ntable ip nat\ntable ip sampan_sampans\n"
        #expect(Teardown.tables(of: "sampan", in: list) == [["inet", "sampan_sampan"]])
        #expect(Teardown.tables(of: "my-two", in: list) == [["inet", "sampan_my_two"]])
    }
}
