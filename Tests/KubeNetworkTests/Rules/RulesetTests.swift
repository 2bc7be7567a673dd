import Testing

@testable import KubeNetwork

struct RulesetTests {
    private let pod = Ruleset.Owner.pod("10.244.0.2")
    private let web = Ruleset.Owner.service(ClusterMark(number: 1), ServiceName(namespace: "default", name: "web"))
    private let api = Ruleset.Owner.service(ClusterMark(number: 2), ServiceName(namespace: "default", name: "api"))

    private func port(_ count: Int) -> Element {
        Element(.nodePorts, "tcp . 30080", .balancer(Balancer(count: count, choice: .random, table: .nodePorts)))
    }

    private func expectChanges(_ rules: inout Ruleset, _ isGood: (RulesetDiff) -> Bool) {
        let diff = rules.takeChanges()
        #expect(isGood(diff), "\(diff)")
    }

    @Test func `only what differs is changed`() {
        var rules = Ruleset()
        rules.set([Element(.interfaces, "\"a\""), Element(.interfaces, "\"b\"")], of: pod)
        expectChanges(&rules) { Set($0.added.map(\.text)) == ["\"a\"", "\"b\""] }
        rules.set([Element(.interfaces, "\"b\""), Element(.interfaces, "\"c\"")], of: pod)
        let diff = rules.takeChanges()
        #expect(diff.removed.map(\.text) == ["\"a\""])
        #expect(diff.added.map(\.text) == ["\"c\""])
        rules.set([Element(.interfaces, "\"c\""), Element(.interfaces, "\"b\"")], of: pod)
        expectChanges(&rules) { $0.isEmpty }
        #expect(!rules.hasChanges)
    }

    @Test func `what comes and goes between two transactions isn't a change`() {
        var rules = Ruleset()
        rules.set([port(1)], of: web)
        rules.set([], of: web)
        #expect(rules.hasChanges)
        expectChanges(&rules) { $0.isEmpty }
    }

    @Test func `a changed value is removed and added`() {
        var rules = Ruleset()
        rules.set([port(1)], of: web)
        _ = rules.takeChanges()
        rules.set([port(2)], of: web)
        rules.set([port(3)], of: web)
        expectChanges(&rules) { $0 == RulesetDiff(removed: [port(1)], added: [port(3)]) }
    }

    @Test func `the first owner of a key has it, the next gets it afterwards`() {
        var rules = Ruleset()
        rules.set([port(1)], of: web)
        rules.set([port(2)], of: api)
        expectChanges(&rules) { $0 == RulesetDiff(added: [port(1)]) }
        rules.set([port(4)], of: api)
        expectChanges(&rules) { $0.isEmpty }
        rules.set([], of: web)
        expectChanges(&rules) { $0 == RulesetDiff(removed: [port(1)], added: [port(4)]) }
        rules.set([], of: api)
        expectChanges(&rules) { $0 == RulesetDiff(removed: [port(4)]) }
        #expect(rules.count == 0)
    }

    @Test func `a waiting owner can give up`() {
        var rules = Ruleset()
        rules.set([port(1)], of: web)
        rules.set([port(2)], of: api)
        rules.set([], of: api)
        rules.set([], of: web)
        expectChanges(&rules) { $0.isEmpty }
        #expect(rules.elements.isEmpty)
    }

    @Test func `commands remove before they add, and make chains first`() throws {
        let diff = RulesetDiff(removed: [port(1)], added: [port(2), Element(.interfaces, "\"veth1\"")])
        let text = diff.commands(table: TableName(instance: "t"), newBalancers: diff.balancers)
        #expect(
            text == """
                add chain inet sampan_t node_spread_2
                add rule inet sampan_t node_spread_2 meta priority set numgen random mod 2 goto to_node_endpoint
                delete element inet sampan_t node_ports { tcp . 30080 }
                add element inet sampan_t interfaces { "veth1" }
                add element inet sampan_t node_ports { tcp . 30080 : goto node_spread_2 }

                """)
    }

    @Test func `datagrams to an endpoint that's gone have to be forgotten`() {
        let gone = Element(
            .endpoints, "1 . 10.96.0.10 . udp . 53 . 0:0", .endpoint(EndpointAddress(address: "10.244.0.9", port: 5353)))
        let stream = Element(
            .endpoints, "1 . 10.96.0.10 . tcp . 53 . 0:0", .endpoint(EndpointAddress(address: "10.244.0.9", port: 5353)))
        #expect(
            RulesetDiff(removed: [gone, stream]).lostDatagramEndpoints == [
                Conntrack.Filter(transport: .udp, destinationPort: 53, answeredBy: "10.244.0.9")
            ])
    }

    @Test func `a table's name is made of what nft takes`() {
        #expect(TableName(instance: "sampan-2.x").name == "sampan_sampan_2_x")
    }
}
