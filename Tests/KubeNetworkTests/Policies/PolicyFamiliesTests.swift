import KubeObject
import Testing

@testable import KubeNetwork

/// Policies and allowlists where pods have addresses of both families: each address goes by the rules that can be for it.
struct PolicyFamiliesTests {
    static let host: PolicyCompiler.HostServices = {
        var host = PolicyCompilerTests.host
        host.families = [.v4, .v6]
        return host
    }()

    private func model(_ spec: String) throws -> PolicyModel {
        var model = PolicyModel(host: Self.host)
        model.begin(7, namespaces: ["shop": [:]])
        model.set(try PolicyCompilerTests.facts(spec), ServiceName(namespace: "shop", name: "p"), in: 7)
        for (name, addresses) in [("web", ["10.244.0.2", "fd00:10:244::2"]), ("client", ["10.244.0.3", "fd00:10:244::3"])] {
            var pod = PolicyPod(namespace: "shop", name: name)
            pod.labels = ["app": name]
            pod.ports = [PolicyPod.PortName(name: "http", transport: .tcp): [8080]]
            for address in addresses { model.set(pod, at: IPAddress(address)!, in: 7) }
        }
        return model
    }

    private func verdict(_ model: PolicyModel, _ source: IPAddress, _ target: IPAddress, _ port: UInt16 = 8080) -> PolicyVerdict {
        let packet = PolicyLine.Packet(source: source, destination: target, transport: .tcp, port: port)
        return model.verdict(.incoming, on: packet, at: target, in: 7)
    }

    @Test func `pods are meant by both of their addresses`() throws {
        var model = try model(
            "podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: http}]}]"
        )
        let text = model.everything(table: TableName(instance: "t"))
        #expect(text.contains("ip saddr @policy_set_1 ip daddr . tcp dport @policy_set_3 accept"))
        #expect(text.contains("ip6 saddr @policy_set_2 ip6 daddr . tcp dport @policy_set_4 accept"))
        #expect(
            text.contains("policy_set_2 { type ipv6_addr; }") && text.contains("policy_set_4 { type ipv6_addr . inet_service; }"))
        #expect(text.contains("policy_set_2 { fd00:10:244::3 }") && text.contains("policy_set_1 { 10.244.0.3 }"))
        #expect(text.contains("isolated_in { 10.244.0.2 : goto") && text.contains("isolated_in6 { fd00:10:244::2 : goto"))
        for (source, target) in [("10.244.0.3", "10.244.0.2"), ("fd00:10:244::3", "fd00:10:244::2")] as [(IPAddress, IPAddress)] {
            #expect(verdict(model, source, target) == .allowed(by: ServiceName(namespace: "shop", name: "p"), rule: 0))
            #expect(verdict(model, source, target, 81) == .denied(by: [ServiceName(namespace: "shop", name: "p")]))
        }
    }

    @Test func `a policy that lets nobody in is for both addresses`() throws {
        var model = try model("podSelector: {}, ingress: []")
        let text = model.everything(table: TableName(instance: "t"))
        for address in ["10.244.0.2", "10.244.0.3", "fd00:10:244::2", "fd00:10:244::3"] {
            #expect(text.contains("\(address) : goto policy_in_1"))
        }
        #expect(text.contains("add rule inet sampan_t policy_in_1 drop"))
    }

    @Test func `a block lets in addresses of its own family only`() throws {
        let model = try model(
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: '::/0', except: ['fd00:10:244::4/128', 10.0.0.0/8]}}]}]")
        let name = ServiceName(namespace: "shop", name: "p")
        #expect(verdict(model, "fd00:10:244::3", "fd00:10:244::2") == .allowed(by: name, rule: 0))
        #expect(verdict(model, "fd00:10:244::4", "fd00:10:244::2") == .denied(by: [name]))
        #expect(verdict(model, "10.244.0.3", "10.244.0.2") == .denied(by: [name]))
    }

    @Test func `an allowlist is for both addresses, whichever it names`() throws {
        var model = AllowlistModel(host: Self.host)
        let lists: JSON = ["egress": [["cidrs": ["2001:db8::/32"]], ["names": ["git.example.org"]]]]
        model.set(NetworkAllowlists([(owner: "team", network: lists)]), of: 1)
        for address in ["10.244.0.2", "fd00:10:244::2"] as [IPAddress] { model.attach(address, to: 1) }
        model.learn(DNSName("git.example.org")!, ["203.0.113.7": 300, "2001:db9::7": 300], in: 1)
        let text = model.everything(table: TableName(instance: "t"))
        #expect(text.contains("allowed_out_1 { 10.244.0.2 : jump") && text.contains("allowed_out_16 { fd00:10:244::2 : jump"))
        #expect(text.contains("ip6 daddr 2001:db8::/32 return"))
        #expect(text.contains("allowlist_set_1 { type ipv4_addr; flags timeout; }"))
        #expect(text.contains("allowlist_set_2 { type ipv6_addr; flags timeout; }"))
        #expect(text.contains("allowlist_set_1 { 203.0.113.7 timeout") && text.contains("allowlist_set_2 { 2001:db9::7 timeout"))
        #expect(!text.contains("allowlist_set_1 { 2001:db9::7") && !text.contains("allowlist_set_2 { 203"))
        func passes(_ source: IPAddress, _ target: IPAddress) -> Bool {
            let packet = PolicyLine.Packet(source: source, destination: target, transport: .tcp, port: 443)
            if case .allowed = model.verdict(.outgoing, on: packet, in: 1) { return true }
            return false
        }
        #expect(passes("fd00:10:244::2", "2001:db8::1") && passes("fd00:10:244::2", "2001:db9::7"))
        #expect(!passes("fd00:10:244::2", "2001:db9::8") && passes("10.244.0.2", "203.0.113.7"))
        #expect(!passes("10.244.0.2", "203.0.113.8"))
    }
}
