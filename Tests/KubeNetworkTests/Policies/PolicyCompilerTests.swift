import KubeObject
import Testing

@testable import KubeNetwork

@Suite struct PolicyCompilerTests {
    static let host = PolicyCompiler.HostServices(
        gateway: "10.244.0.1", apiAddress: "10.96.0.1", apiPort: 6443, dnsAddress: "10.96.0.10", dnsPort: 5353,
        dnsNamespaceLabels: ["kubernetes.io/metadata.name": "kube-system"])

    static func facts(_ spec: String) throws -> PolicyFacts {
        let tree = try #require(
            try YAML.parse(Array("{metadata: {namespace: shop, name: p}, spec: {\(spec)}}".utf8)).first)
        return PolicyFacts(tree)
    }

    /// The rules that a policy becomes, with sets named after what they hold.
    private func rules(_ spec: String) throws -> (in: [String]?, out: [String]?) {
        let facts = try Self.facts(spec)
        let compiler = PolicyCompiler(cluster: 7, host: Self.host) { set in
            switch set {
            case .peers(_, let selector, _): "\(selector.namespaces.map { "ns(\($0))" } ?? selector.namespace)/\(selector.pods)"
            case .ports(_, let port, _): port.name
            case .answers: "answers"
            }
        }
        return (
            facts.ingress.map { compiler.incoming($0).map(\.text) }, facts.egress.map { compiler.outgoing($0).map(\.text) }
        )
    }

    @Test(arguments: [
        // Without rules nothing comes in; without types, only what comes in is meant.
        ("podSelector: {}", []),
        ("podSelector: {}, ingress: []", []),
        ("podSelector: {}, policyTypes: [Ingress], egress: [{}]", []),
        ("podSelector: {}, ingress: [{}]", ["accept"]),
        ("podSelector: {}, ingress: [{from: []}]", ["accept"]),
        ("podSelector: {}, ingress: [{from: [{podSelector: {}}]}]", ["ip saddr @shop/ accept"]),
        ("podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {a: b}}}]}]", ["ip saddr @shop/a=b accept"]),
        (
            "podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}, {namespaceSelector: {matchLabels: {c: d}}}]}]",
            ["ip saddr @ns()/a=b accept", "ip saddr @ns(c=d)/ accept"]
        ),
        ("podSelector: {}, ingress: [{ports: [{port: 80}]}]", ["tcp dport { 80 } accept"]),
        ("podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]", ["meta l4proto udp accept"]),
        // Ranges that touch become one; the kernel takes no others.
        (
            "podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}, {port: 85, endPort: 95}, {port: 96}, {port: 443}, {port: 5, protocol: SCTP}]}]",
            ["tcp dport { 80-96, 443 } accept", "sctp dport { 5 } accept"]
        ),
        ("podSelector: {}, ingress: [{ports: [{port: web, protocol: TCP}]}]", ["ip daddr . tcp dport @web accept"]),
        (
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.2.0/24, 10.2.0.0/16]}}]}]",
            ["ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } accept"]
        ),
        // Nobody who can be meant, which isn't anybody.
        ("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]", []),
        ("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]", []),
        ("podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]", []),
        (
            "podSelector: {}, ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: 1.2.3.4/32}}], ports: [{port: 1}, {port: 2, protocol: UDP}]}]",
            [
                "ip saddr @shop/ tcp dport { 1 } accept", "ip saddr @shop/ udp dport { 2 } accept",
                "ip saddr 1.2.3.4/32 tcp dport { 1 } accept", "ip saddr 1.2.3.4/32 udp dport { 2 } accept",
            ]
        ),
    ])
    func whatComesIn(_ spec: String, _ expected: [String]) throws {
        let found = try rules(spec)
        #expect(found.in == expected)
        #expect(found.out == nil)
    }

    private static let dns = ["ip daddr 10.244.0.1 udp dport 5353 accept", "ip daddr 10.244.0.1 tcp dport 5353 accept"]
    private static let api = "ip daddr 10.244.0.1 tcp dport 6443 accept"

    @Test(arguments: [
        ("podSelector: {}, policyTypes: [Egress]", []),
        ("podSelector: {}, policyTypes: [Egress], egress: [{}]", ["accept"]),
        // The pods' own DNS and API server are the host's, by other ports than pods know.
        (
            "podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]",
            ["udp dport { 53 } accept", dns[0]]
        ),
        ("podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]", ["tcp dport { 443 } accept", api]),
        ("podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]", ["ip daddr @shop/ accept"]),
        (
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}]",
            [
                "ip daddr @ns(kubernetes.io/metadata.name=kube-system)/k8s-app=kube-dns tcp dport { 53 } accept",
                "ip daddr @ns(kubernetes.io/metadata.name=kube-system)/k8s-app=kube-dns udp dport { 53 } accept",
            ] + dns
        ),
        ("podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]", ["ip daddr @ns()/ accept"] + dns),
        (
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.96.0.1/32}}]}]",
            ["ip daddr 10.96.0.1/32 accept", api]
        ),
        (
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]",
            ["ip daddr 0.0.0.0/0 ip daddr != { 10.0.0.0/8 } accept"]
        ),
        (
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]",
            ["ip daddr 0.0.0.0/0 tcp dport { 443 } accept", api]
        ),
    ])
    func whatGoesOut(_ spec: String, _ expected: [String]) throws {
        let found = try rules(spec)
        #expect(found.out == expected)
        #expect(found.in == nil)
    }

    @Test func withoutTypesRulesForWhatGoesOutMeanThatToo() throws {
        let found = try rules("podSelector: {}, egress: [{}]")
        #expect(found.in == [] && found.out == ["accept"])
    }
}
