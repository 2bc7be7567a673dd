import KubeObject
import Testing

@testable import KubeNetwork

@Suite struct PolicyModelTests {
    private static let table = TableName(instance: "t")

    private func pod(_ name: String, _ namespace: String = "shop", _ labels: [String: String] = [:], port: UInt16? = nil)
        -> PolicyPod
    {
        var pod = PolicyPod(namespace: namespace, name: name)
        pod.labels = labels
        if let port { pod.ports[.init(name: "web", transport: .tcp)] = [port] }
        return pod
    }

    private func model() -> PolicyModel {
        var model = PolicyModel(host: PolicyCompilerTests.host)
        model.begin(1, namespaces: ["shop": ["team": "a"], "other": ["team": "b"]])
        model.set(pod("web", "shop", ["app": "web"], port: 8080), at: "10.244.0.2", in: 1)
        model.set(pod("client", "other", ["app": "client"]), at: "10.244.0.3", in: 1)
        return model
    }

    private func changes(_ model: inout PolicyModel) -> [String] {
        model.takeChanges(table: Self.table).split(separator: "\n").map { String($0.replacing(" inet sampan_t", with: "")) }
    }

    private let policy = ServiceName(namespace: "shop", name: "p")
    private let fromB =
        "podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}], ports: [{port: web}]}]"

    @Test func aPolicyMakesItsSetsAndShutsItsPods() throws {
        var model = model()
        #expect(changes(&model) == [])
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        let made = changes(&model)
        #expect(made.contains("add rule policy_in_3 ip saddr @policy_set_1 ip daddr . tcp dport @policy_set_2 accept"))
        #expect(made.contains("add rule policy_in_3 drop"))
        #expect(made.contains("add element isolated_in { 10.244.0.2 : goto policy_in_3 }"))
        #expect(made.contains("add element policy_set_1 { 10.244.0.3 }"))
        #expect(made.contains("add element policy_set_2 { 10.244.0.2 . 8080 }"))
        // The pod is shut off only when the set and chain are there.
        let order = [
            "add set policy_set_1 { type ipv4_addr; }", "add chain policy_in_3",
            "add element isolated_in { 10.244.0.2 : goto policy_in_3 }",
        ]
        let places = order.map { made.firstIndex(of: $0) ?? -1 }
        #expect(places == places.sorted() && !places.contains(-1))
        #expect(changes(&model) == [])
    }

    @Test func podsThatComeAndGoChangeElementsOnly() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        _ = changes(&model)
        model.set(pod("late", "other"), at: "10.244.0.4", in: 1)
        #expect(changes(&model) == ["add element policy_set_1 { 10.244.0.4 }"])
        model.set(nil, at: "10.244.0.4", in: 1)
        #expect(changes(&model) == ["delete element policy_set_1 { 10.244.0.4 }"])
        // One more of those that are shut goes through the chain that is there.
        model.set(pod("web2", "shop", ["app": "web"]), at: "10.244.0.5", in: 1)
        #expect(changes(&model) == ["add element isolated_in { 10.244.0.5 : goto policy_in_3 }"])
        // Nothing is left of what comes and goes between two looks.
        model.set(pod("short", "other"), at: "10.244.0.6", in: 1)
        model.set(nil, at: "10.244.0.6", in: 1)
        #expect(changes(&model) == [])
    }

    @Test func labelsCount() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        _ = changes(&model)
        model.set(namespace: "other", labels: ["team": "c"], in: 1)
        #expect(changes(&model) == ["delete element policy_set_1 { 10.244.0.3 }"])
        model.set(namespace: "shop", labels: ["team": "b"], in: 1)
        #expect(changes(&model) == ["add element policy_set_1 { 10.244.0.2 }"])
        model.set(pod("web", "shop", ["app": "other"], port: 8080), at: "10.244.0.2", in: 1)
        let opened = changes(&model)
        #expect(opened.contains("delete element isolated_in { 10.244.0.2 }"))
        #expect(opened.contains("delete chain policy_in_3"))
    }

    @Test func aChangedPolicyHasItsPodsGoThroughAnotherChainInOneTransaction() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        _ = changes(&model)
        model.set(try PolicyCompilerTests.facts("podSelector: {matchLabels: {app: web}}, ingress: [{}]"), policy, in: 1)
        let changed = changes(&model)
        #expect(
            changed == [
                "add chain policy_in_4", "add rule policy_in_4 accept", "add rule policy_in_4 drop",
                "delete element isolated_in { 10.244.0.2 }", "add element isolated_in { 10.244.0.2 : goto policy_in_4 }",
                "flush chain policy_in_3", "delete chain policy_in_3", "delete set policy_set_1", "delete set policy_set_2",
            ])
        model.set(nil, policy, in: 1)
        #expect(
            changes(&model) == [
                "delete element isolated_in { 10.244.0.2 }", "flush chain policy_in_4", "delete chain policy_in_4",
            ])
        #expect(model.ruleset.isEmpty)
    }

    @Test func severalPoliciesAddUp() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts("podSelector: {}"), policy, in: 1)
        model.set(
            try PolicyCompilerTests.facts("podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]"),
            ServiceName(namespace: "shop", name: "q"), in: 1)
        let made = changes(&model)
        #expect(made.contains { $0.hasSuffix(" tcp dport { 80 } accept") })
        model.set(nil, ServiceName(namespace: "shop", name: "q"), in: 1)
        let left = changes(&model)
        #expect(left.count(where: { $0.hasPrefix("add rule") }) == 1 && left.contains { $0.hasSuffix(" drop") })
    }

    @Test func clustersDontMeet() throws {
        var model = model()
        model.begin(2, namespaces: ["shop": [:]])
        model.set(pod("web", "shop", ["app": "web"]), at: "10.244.0.9", in: 2)
        model.set(try PolicyCompilerTests.facts("podSelector: {}, ingress: [{from: [{podSelector: {}}]}]"), policy, in: 1)
        let made = changes(&model).joined(separator: "\n")
        #expect(made.contains("10.244.0.2") && !made.contains("10.244.0.9"))
    }

    @Test func aClusterWithoutPodsTakesItsSetsAlong() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        _ = changes(&model)
        model.set(nil, at: "10.244.0.2", in: 1)
        model.set(nil, at: "10.244.0.3", in: 1)
        let removed = changes(&model)
        #expect(removed.contains("delete set policy_set_1") && removed.contains("delete chain policy_in_3"))
        #expect(model.ruleset.isEmpty && !model.knows(1))
    }

    @Test func everythingCanBeSaidAnew() throws {
        var model = model()
        model.set(try PolicyCompilerTests.facts(fromB), policy, in: 1)
        let all = model.everything(table: Self.table)
        #expect(all.contains("add element inet sampan_t isolated_in { 10.244.0.2 : goto policy_in_3 }"))
        #expect(all.contains("add element inet sampan_t policy_set_1 { 10.244.0.3 }"))
        #expect(changes(&model) == [])
    }

    @Test func tooManyRulesShutThePod() throws {
        var model = model()
        let blocks = (0..<5000).map { "{ipBlock: {cidr: 1.\($0 / 250).\($0 % 250).0/24}}" }.joined(separator: ", ")
        model.set(try PolicyCompilerTests.facts("podSelector: {}, ingress: [{from: [\(blocks)]}]"), policy, in: 1)
        let made = changes(&model)
        #expect(made.filter { $0.hasPrefix("add rule") } == ["add rule policy_in_1 drop"])
    }
}
