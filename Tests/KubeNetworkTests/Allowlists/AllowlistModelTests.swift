import KubeObject
import Testing

@testable import KubeNetwork

@Suite struct AllowlistModelTests {
    private static let table = TableName(instance: "t")

    private func changes(_ model: inout AllowlistModel) -> [String] {
        model.takeChanges(table: Self.table).split(separator: "\n").map { String($0.replacing(" inet sampan_t", with: "")) }
    }

    private func lists(_ team: JSON) -> NetworkAllowlists { NetworkAllowlists([("team blue", team)]) }

    private let https: JSON = [
        "egress": [["cidrs": ["203.0.113.0/24"], "ports": [["port": 443], ["port": 8000, "endPort": 8080]]]]
    ]

    @Test func aClusterWithoutListsHasNothing() {
        var model = AllowlistModel(host: PolicyCompilerTests.host)
        model.set(NetworkAllowlists(), of: 1)
        model.attach("10.244.0.2", to: 1)
        #expect(changes(&model) == [])
    }

    @Test func aListIsOneChainForAllPodsOfAllItsClusters() {
        var model = AllowlistModel(host: PolicyCompilerTests.host)
        for id in [1, 2] as [Int64] { model.set(lists(https), of: id) }
        model.attach("10.244.0.2", to: 1)
        #expect(
            changes(&model) == [
                "add chain allowlist_out_1",
                "add rule allowlist_out_1 ip daddr 203.0.113.0/24 tcp dport { 443, 8000-8080 } return",
                "add rule allowlist_out_1 drop", "add element allowed_out_1 { 10.244.0.2 : jump allowlist_out_1 }",
            ])
        model.attach("10.244.0.3", to: 2)
        #expect(changes(&model) == ["add element allowed_out_1 { 10.244.0.3 : jump allowlist_out_1 }"])
        model.detach("10.244.0.3", from: 2)
        #expect(changes(&model) == ["delete element allowed_out_1 { 10.244.0.3 }"])
        #expect(!model.knows(2))
        // A list that changes has the pods go through another chain, in the transaction that removes the old one.
        model.set(lists(["egress": []]), of: 1)
        #expect(
            changes(&model) == [
                "add chain allowlist_out_2", "add rule allowlist_out_2 drop", "delete element allowed_out_1 { 10.244.0.2 }",
                "add element allowed_out_1 { 10.244.0.2 : jump allowlist_out_2 }", "flush chain allowlist_out_1",
                "delete chain allowlist_out_1",
            ])
        model.set(NetworkAllowlists(), of: 1)
        #expect(
            changes(&model) == [
                "delete element allowed_out_1 { 10.244.0.2 }", "flush chain allowlist_out_2", "delete chain allowlist_out_2",
            ])
    }

    @Test func whatComesInGoesByThePortOfTheMachine() {
        var model = AllowlistModel(host: PolicyCompilerTests.host)
        model.set(
            lists(["ingress": [["cidrs": ["198.51.100.7/32"], "ports": [["port": 30080]]], ["cidrs": ["10.0.0.0/8"]]]]), of: 1)
        model.attach("10.244.0.2", to: 1)
        let made = changes(&model)
        #expect(
            made.contains(
                "add rule allowlist_in_1 ip saddr 198.51.100.7/32 meta l4proto tcp ct original proto-dst { 30080 } return"))
        #expect(made.contains("add rule allowlist_in_1 ip saddr 10.0.0.0/8 return"))
        #expect(made.last == "add element allowed_in_1 { 10.244.0.2 : jump allowlist_in_1 }")
    }

    @Test func whatCannotBeReadOpensNothing() {
        for entry in [[:], ["cidrs": []], ["cidrs": ["example.org"]], ["cidrs": ["::/0"]], ["ports": [["port": 443]]]] as [JSON] {
            var model = AllowlistModel(host: PolicyCompilerTests.host)
            model.set(lists(["egress": [entry]]), of: 1)
            let packet = PolicyLine.Packet(source: "10.244.0.2", destination: "203.0.113.7", transport: .tcp, port: 443)
            #expect(model.verdict(.outgoing, on: packet, in: 1) == .denied(by: "team blue"), "\(entry)")
        }
    }

    @Test(
        arguments: [
            ("198.51.100.7", 30080, true), ("198.51.100.7", 30081, false), ("198.51.100.8", 30080, false), ("10.1.1.1", 1, true),
            ("203.0.113.7", 31000, true), ("203.0.113.7", 31500, true), ("203.0.113.7", 32000, false),
        ] as [(IPAddress, UInt16, Bool)])
    func heldConnectionsAreAskedToo(source: IPAddress, port: UInt16, isLetIn: Bool) {
        let said = lists([
            "ingress": [
                ["cidrs": ["198.51.100.7/32"], "ports": [["port": 30080]]], ["cidrs": ["10.0.0.0/8"]],
                ["cidrs": ["203.0.113.0/24"], "ports": [["port": 31000, "endPort": 31500], ["protocol": "UDP"]]],
            ]
        ])
        #expect(said.admits(source, toPort: port) == isLetIn)
        #expect(NetworkAllowlists().admits(source, toPort: port))
    }
}
