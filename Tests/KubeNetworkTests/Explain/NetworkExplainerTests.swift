import KubeObject
import KubeRegistry
import Testing

@testable import KubeNetwork

/// Two clusters: in 1 the pods web (two of them) and client, and a database that only some may ask; in 2 another web.
@Suite struct NetworkExplainerTests {
    private static let configuration = NetworkConfiguration(
        podSubnet: IPRange("10.244.0.0/16")!, serviceRange: IPRange("10.96.0.0/12")!, apiPort: 6443, dnsPort: 5353)

    private struct Bed {
        var model = NetworkModel(nodePorts: 30_000...32_767)
        var policies = PolicyModel(host: NetworkExplainerTests.configuration.hostServices)
        var allowlists = AllowlistModel(host: NetworkExplainerTests.configuration.hostServices)
        var services: [ServiceName: (ServiceFacts?, [SliceFacts])] = [:]

        init() {
            policies.begin(1, namespaces: ["shop": ["team": "a"], "other": ["team": "b"], "kube-system": [:]])
            policies.begin(2, namespaces: ["shop": ["team": "a"]])
            pod("web-0", "shop", ["app": "web"], "10.244.0.2")
            pod("web-1", "shop", ["app": "web", "old": "yes"], "10.244.0.3")
            pod("client", "other", ["app": "client"], "10.244.0.4")
            pod("db", "shop", ["app": "db"], "10.244.0.5", port: 5432)
            pod("web-0", "shop", ["app": "web"], "10.244.0.9", in: 2, hostPorts: [HostPort(number: 8099, target: 80)])
            pod(
                "front", "shop", ["app": "front"], "10.244.0.6",
                hostPorts: [
                    HostPort(number: 8088, target: 80), HostPort(address: "127.0.0.1", number: 8089, target: 81),
                    HostPort(transport: "UDP", number: 8090, target: 53),
                ])
        }

        mutating func pod(
            _ name: String, _ namespace: String, _ labels: [String: String], _ address: IPAddress, port: UInt16? = nil,
            in cluster: Int64 = 1, hostPorts: [HostPort] = []
        ) {
            model.attach(
                address,
                NetworkModel.Pod(
                    uid: name, cluster: cluster, interface: InterfaceName("veth\(address.octets[3])")!, namespace: namespace,
                    name: name, hostPorts: hostPorts.compactMap { HostPortFacts($0) }))
            var pod = PolicyPod(namespace: namespace, name: name)
            pod.labels = labels
            if let port { pod.ports[.init(name: "sql", transport: .tcp)] = [port] }
            policies.set(pod, at: address, in: cluster)
        }

        mutating func policy(_ name: String, _ spec: String) throws {
            policies.set(try PolicyCompilerTests.facts(spec), ServiceName(namespace: "shop", name: name), in: 1)
        }

        mutating func service(
            _ name: String, _ endpoints: [String], nodePort: Int64? = nil, address: String = "10.96.0.50", in cluster: Int64 = 1
        )
            throws
        {
            var port: JSON = ["name": "http", "port": 80, "protocol": "TCP"]
            if let nodePort { port["nodePort"] = .int(nodePort) }
            let object = Objects.service(
                name, "shop", address: address, ports: [port], extra: nodePort == nil ? [:] : ["type": "NodePort"])
            let facts = try #require(ServiceFacts(object))
            let slice = try #require(
                SliceFacts(Objects.slice(of: name, "shop", endpoints: endpoints.map { Objects.endpoint($0) })))
            let full = ServiceName(namespace: "shop", name: name)
            if cluster == 1 { services[full] = (facts, [slice]) }
            model.update(full, in: cluster, facts, slices: [slice])
        }

        func ask(_ from: String, _ to: String, _ port: Int64? = 8080, _ transport: String = "TCP", in cluster: Int64 = 1) throws
            -> NetworkAnswer
        {
            let services = services
            let explainer = NetworkExplainer(
                configuration: NetworkExplainerTests.configuration, model: model, policies: policies, allowlists: allowlists,
                cluster: cluster,
                services: .init(names: { Array(services.keys) }, facts: { services[$0] ?? (nil, []) }),
                machine: ["192.0.2.2", "127.0.0.1"])
            return explainer.answer(try NetworkQuestion(from: from, to: to, port: port, transport: transport))
        }
    }

    private static func bed() throws -> Bed {
        var bed = Bed()
        try bed.service("web", ["10.244.0.2", "10.244.0.3"], nodePort: 30080)
        try bed.service("empty", [], address: "10.96.0.51")
        // Its endpoints were written by somebody who means the other cluster's pod.
        try bed.service("stolen", ["10.244.0.9"], address: "10.96.0.52")
        try bed.service("theirs", ["10.244.0.9"], nodePort: 30099, address: "10.96.0.53", in: 2)
        try bed.policy(
            "db",
            "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress], ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}, {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql}]}]"
        )
        try bed.policy(
            "old", "podSelector: {matchLabels: {old: 'yes'}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]")
        return bed
    }

    @Test(arguments: [
        // Within a cluster.
        ("shop/web-0", "shop/web-1", 8080, "Allowed", "network policy shop/old lets it in by spec.ingress[0]"),
        ("shop/web-0", "other/client", 8080, "Open", "no network policy is for either pod"),
        ("shop/web-0", "shop/web-0", 8080, "Open", "a pod always reaches itself"),
        ("shop/web-0", "shop/db", 5432, "Allowed", "network policy shop/db lets it in by spec.ingress[1]"),
        ("shop/web-0", "shop/db", 80, "IngressDenied", "network policy shop/db is for the receiving pod"),
        ("other/client", "shop/db", 5432, "IngressDenied", "network policy shop/db is for the receiving pod"),
        ("shop/db", "other/client", 80, "EgressDenied", "network policy shop/db is for the sending pod"),
        ("10.244.0.4", "10.244.0.5", 5432, "IngressDenied", "shop/db"),
        ("nobody", "shop/db", 80, "NotRunning", "pod default/nobody isn't in the pod network"),
        ("shop/web-0", "nobody", 80, "NotRunning", "pod default/nobody isn't in the pod network"),
        // Services.
        ("shop/web-0", "shop/service/web", 80, "Allowed", "shop/old"),
        (
            "other/client", "shop/service/web", 80, "Partly",
            "1 of the 2 endpoints of service shop/web can't be reached, 10.244.0.3:8080"
        ),
        ("other/client", "10.96.0.50", 80, "Partly", "shop/web"),
        ("other/client", "shop/service/web", 81, "Refused", "has no such port"),
        ("other/client", "shop/service/empty", 80, "Refused", "no ready endpoint"),
        ("other/client", "shop/service/none", 80, "Refused", "no service shop/none"),
        ("other/client", "10.96.0.99", 80, "Refused", "no service's in this cluster"),
        ("other/client", "default/service/kubernetes", 443, "Open", "API server"),
        ("other/client", "10.96.0.1", 443, "Open", "API server"),
        ("other/client", "10.96.0.10", 53, "Open", "DNS"), ("shop/db", "10.96.0.1", 443, "EgressDenied", "shop/db"),
        // Between clusters.
        ("other/client", "cluster/red", 80, "OtherCluster", "clusters can't reach each other"),
        ("cluster/red", "other/client", 80, "OtherCluster", "clusters can't reach each other"),
        ("other/client", "10.244.0.9", 8080, "OtherCluster", "10.244.0.9"),
        ("10.244.0.9", "other/client", 80, "OtherCluster", "10.244.0.9"),
        ("other/client", "shop/service/stolen", 80, "OtherCluster", "10.244.0.9"),
        ("other/client", "192.0.2.2", 30099, "OtherCluster", "node port 30099"),
        // Beyond.
        ("other/client", "203.0.113.7", 443, "Open", "outside"), ("shop/db", "203.0.113.7", 443, "EgressDenied", "shop/db"),
        ("other/client", "169.254.169.254", 80, "Blocked", "169.254.0.0/16"),
        ("other/client", "192.0.2.2", 22, "Machine", "192.0.2.2"),
        ("other/client", "10.244.0.1", 22, "Machine", "10.244.0.1"), ("shop/web-0", "192.0.2.2", 30080, "Allowed", "shop/old"),
        // From outside.
        ("203.0.113.7", "other/client", 80, "Outside", "node port"),
        ("203.0.113.7", "shop/service/empty", 80, "Outside", "no node port"),
        ("203.0.113.7", "shop/service/web", 30080, "Partly", "10.244.0.3"),
        ("192.0.2.2", "shop/db", 80, "Open", "the machine reaches every pod"),
        ("203.0.113.7", "198.51.100.1", 80, "Outside", "decides nothing"),
        // By ports of the machine.
        ("203.0.113.7", "192.0.2.2", 30080, "Partly", "10.244.0.3"),
        ("203.0.113.7", "192.0.2.2", 30099, "OtherCluster", "the service that has node port 30099"),
        ("203.0.113.7", "192.0.2.2", 8088, "Open", "no network policy is for what comes into the pod"),
        ("203.0.113.7", "192.0.2.2", 8099, "OtherCluster", "the pod that has host port 8099"),
        ("203.0.113.7", "192.0.2.2", 8090, "Outside", "no service and no pod has port 8090 of the machine"),
        ("203.0.113.7", "192.0.2.2", 8089, "Outside", "no service and no pod has port 8089"),
        ("203.0.113.7", "127.0.0.1", 8089, "Outside", "decides nothing"),
        ("192.0.2.2", "127.0.0.1", 8089, "Open", "the machine reaches every pod"),
        ("192.0.2.2", "127.0.0.1", 30080, "Outside", "no service and no pod has port 30080"),
        ("other/client", "192.0.2.2", 8088, "Open", "no network policy is for either pod"),
        ("shop/db", "192.0.2.2", 8088, "EgressDenied", "shop/db"),
        ("other/client", "192.0.2.2", 8099, "OtherCluster", "the pod that has host port 8099"),
        ("other/client", "192.0.2.2", 8089, "Machine", "node and host ports"),
    ])
    func saysWhoDecides(_ from: String, _ to: String, _ port: Int64, _ reason: String, _ message: String) throws {
        let answer = try Self.bed().ask(from, to, port)
        #expect(answer.reason.rawValue == reason, "\(answer)")
        #expect(answer.message.contains(message), "\(answer)")
        #expect(answer.isReachable == ["Open", "Allowed"].contains(reason))
    }

    @Test func tellsOfPortsOfTheMachine() throws {
        let answer = try Self.bed().ask("203.0.113.7", "192.0.2.2", 8090, "UDP")
        #expect(
            answer.steps == [
                "203.0.113.7 is outside",
                "port 8090 of the machine is a pod's host port, shop/front at 10.244.0.6:53",
                "ingress: no network policy is for the receiving pod",
            ], "\(answer)")
        #expect(answer.reason == .open)
    }

    @Test func tellsTheWay() throws {
        let answer = try Self.bed().ask("shop/web-0", "shop/service/web", nil)
        #expect(
            answer.steps == [
                "pod shop/web-0 has the address 10.244.0.2", "service shop/web, port 80, leads to 10.244.0.3:8080",
                "egress: no network policy is for the sending pod",
                "ingress: network policy shop/old lets it in by spec.ingress[0]",
            ])
    }
}

/// The same with allowlists for the cluster, of its team and its own.
extension NetworkExplainerTests {
    private static func lists(_ team: JSON?, _ own: JSON?) -> NetworkAllowlists {
        NetworkAllowlists(
            [("team blue", team), ("virtual cluster blue/demo", own)].compactMap { owner, network in network.map { (owner, $0) } }
        )
    }

    private static let web: JSON = ["cidrs": ["203.0.113.0/24"], "ports": [["port": 443]]]
    private static let one: JSON = ["cidrs": ["198.51.100.0/24", "203.0.113.7/32"]]

    @Test(
        arguments: [
            (
                ["egress": [web]], nil, "other/client", "203.0.113.7", 443, "Allowed",
                "spec.network.egress[0] of team blue lets it out"
            ),
            (["egress": [one, web]], nil, "other/client", "203.0.113.9", 443, "Allowed", "spec.network.egress[1] of team blue"),
            (
                ["egress": [web]], nil, "other/client", "203.0.113.7", 80, "NotAllowlisted",
                "team blue has an allowlist for what goes out"
            ),
            (
                ["egress": [web]], ["egress": [one]], "other/client", "203.0.113.7", 443, "Allowed",
                "spec.network.egress[0] of team blue and spec.network.egress[0] of virtual cluster blue/demo let it out"
            ),
            (
                ["egress": [web]], ["egress": [one]], "other/client", "203.0.113.9", 443, "NotAllowlisted",
                "virtual cluster blue/demo"
            ),
            (["egress": [web]], ["egress": [one]], "other/client", "198.51.100.9", 443, "NotAllowlisted", "team blue"),
            (nil, ["egress": []], "other/client", "203.0.113.7", 443, "NotAllowlisted", "virtual cluster blue/demo"),
            // What no list opens, and what none shuts.
            (["egress": [["cidrs": ["0.0.0.0/0"]]]], nil, "other/client", "169.254.169.254", 80, "Blocked", "169.254.0.0/16"),
            (["egress": [["cidrs": ["0.0.0.0/0"]]]], nil, "other/client", "10.244.0.9", 80, "OtherCluster", "10.244.0.9"),
            (["egress": [["cidrs": ["0.0.0.0/0"]]]], nil, "other/client", "192.0.2.2", 22, "Machine", "192.0.2.2"),
            (["egress": [["cidrs": ["0.0.0.0/0"]]]], nil, "shop/db", "203.0.113.7", 443, "EgressDenied", "shop/db"),
            (["egress": []], nil, "shop/web-0", "other/client", 8080, "Open", "no network policy"),
            (["egress": []], nil, "other/client", "10.96.0.10", 53, "Open", "DNS"),
            (["egress": []], nil, "other/client", "10.96.0.1", 443, "Open", "API server"),
            (["ingress": [web]], nil, "other/client", "203.0.113.7", 443, "Open", "outside"),
            // By the port of the machine.
            (
                ["ingress": [["cidrs": ["203.0.113.0/24"], "ports": [["port": 30080]]]]], nil, "203.0.113.7", "shop/service/web",
                30080,
                "Partly", "10.244.0.3"
            ),
            (
                ["ingress": [["cidrs": ["203.0.113.0/24"], "ports": [["port": 8080]]]]], nil, "203.0.113.7", "shop/service/web",
                30080,
                "NotAllowlisted", "team blue has an allowlist for what comes in"
            ),
            (["ingress": []], nil, "192.0.2.2", "shop/service/web", 30080, "Open", "the machine reaches every pod"),
            (["ingress": []], nil, "shop/web-0", "192.0.2.2", 30080, "Allowed", "shop/old"),
        ] as [(JSON?, JSON?, String, String, Int64, String, String)])
    func saysWhichListDecides(
        _ team: JSON?, _ own: JSON?, _ from: String, _ to: String, _ port: Int64, _ reason: String, _ message: String
    ) throws {
        var bed = try Self.bed()
        bed.allowlists.set(Self.lists(team, own), of: 1)
        let answer = try bed.ask(from, to, port)
        #expect(answer.reason.rawValue == reason, "\(answer)")
        #expect(answer.message.contains(message), "\(answer)")
        #expect(answer.isReachable == ["Open", "Allowed"].contains(reason))
    }
}

/// What is explained is what the kernel is told, for policies and packets by chance.
@Suite struct ExplainedPolicyTests {
    private static let selectors = ["{}", "{matchLabels: {a: x}}", "{matchLabels: {a: y}}", "{matchLabels: {b: x}}"]
    private static let blocks = ["10.0.0.0/8", "10.244.0.0/28", "0.0.0.0/0", "203.0.113.0/24"]

    private static func rule(_ side: String, _ random: inout SystemRandomNumberGenerator) -> String {
        func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        let peers = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            switch Int.random(in: 0...2, using: &random) {
            case 0: "{podSelector: \(pick(selectors))}"
            case 1: "{namespaceSelector: {}, podSelector: \(pick(selectors))}"
            default: "{ipBlock: {cidr: \(pick(blocks)), except: [\(pick(["10.244.0.4/30", "203.0.113.128/25", "10.0.0.0/9"]))]}}"
            }
        }
        let ports = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            pick([
                "{port: 80}", "{port: 80, endPort: 90}", "{port: sql}", "{protocol: UDP}", "{port: 53, protocol: UDP}",
                "{port: 443}",
            ])
        }
        return "{\(side): [\(peers.joined(separator: ", "))], ports: [\(ports.joined(separator: ", "))]}"
    }

    @Test func verdictsAreTheKernels() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            var model = PolicyModel(host: PolicyCompilerTests.host)
            model.begin(1, namespaces: ["shop": [:], "kube-system": ["kubernetes.io/metadata.name": "kube-system"]])
            for (index, labels) in [["a": "x"], ["a": "y"], ["a": "x", "b": "x"], [:]].enumerated() {
                var pod = PolicyPod(namespace: "shop", name: "p\(index)")
                pod.labels = labels
                if index < 2 { pod.ports[.init(name: "sql", transport: .tcp)] = [85] }
                model.set(pod, at: IPAddress(number: 0x0AF4_0002 + UInt32(index)), in: 1)
            }
            var specs: [String] = []
            for index in 0..<3 {
                let selector = Self.selectors.randomElement(using: &random) ?? "{}"
                let spec =
                    "podSelector: \(selector), policyTypes: [Ingress, Egress], ingress: [\(Self.rule("from", &random)), \(Self.rule("from", &random))], egress: [\(Self.rule("to", &random))]"
                specs.append(spec)
                model.set(try PolicyCompilerTests.facts(spec), ServiceName(namespace: "shop", name: "n\(index)"), in: 1)
            }
            let kernel = KernelRules(model.everything(table: TableName(instance: "t")))
            let addresses: [IPAddress] = [
                "10.244.0.1", "10.244.0.2", "10.244.0.3", "10.244.0.4", "10.244.0.5", "203.0.113.1", "203.0.113.200", "10.1.2.3",
            ]
            for source in addresses {
                for target in addresses where source != target {
                    for (transport, port) in [
                        (TransportProtocol.tcp, UInt16(80)), (.tcp, 85), (.tcp, 6443), (.udp, 53), (.udp, 5353), (.tcp, 22),
                    ] {
                        let packet = PolicyLine.Packet(source: source, destination: target, transport: transport, port: port)
                        for (direction, own) in [(PolicyChain.Direction.outgoing, source), (.incoming, target)] {
                            let verdict = model.verdict(direction, on: packet, at: own, in: 1)
                            let passes =
                                switch verdict {
                                case .free, .allowed: true
                                case .denied, .tooMany: false
                                }
                            #expect(
                                passes == kernel.passes(packet, direction.map, own), "\(packet) \(direction) \(verdict) \(specs)")
                        }
                    }
                }
            }
        }
    }
}

extension ExplainedPolicyTests {
    @Test func allowlistsVerdictsAreTheKernels() throws {
        var random = SystemRandomNumberGenerator()
        func list() -> JSON {
            .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    let cidrs = Self.blocks.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))
                    let ports: [JSON] = [
                        ["port": 80], ["port": 80, "endPort": 90], ["protocol": "UDP"], ["port": 53, "protocol": "UDP"],
                        ["port": 443],
                    ]
                    return [
                        "cidrs": JSON(Array(cidrs)),
                        "ports": .array(Array(ports.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random)))),
                    ]
                })
        }
        for _ in 0..<60 {
            var model = AllowlistModel(host: PolicyCompilerTests.host)
            let said: [(owner: String, network: JSON)] = [
                ("team", ["egress": list(), "ingress": list()]), ("cluster", ["egress": list()]),
            ]
            model.set(NetworkAllowlists(said), of: 1)
            let pod: IPAddress = "10.244.0.2"
            model.attach(pod, to: 1)
            let kernel = KernelRules(model.everything(table: TableName(instance: "t")))
            for other in ["203.0.113.1", "203.0.113.200", "10.1.2.3", "192.0.2.1"] as [IPAddress] {
                for (transport, port) in [
                    (TransportProtocol.tcp, UInt16(80)), (.tcp, 85), (.tcp, 443), (.udp, 53), (.udp, 54), (.sctp, 80),
                ] {
                    for (direction, maps) in [
                        (PolicyChain.Direction.outgoing, [PodMap.allowedOut1, .allowedOut2]),
                        (.incoming, [.allowedIn1, .allowedIn2]),
                    ] {
                        let isOut = direction == .outgoing
                        let packet = PolicyLine.Packet(
                            source: isOut ? pod : other, destination: isOut ? other : pod, transport: transport, port: port)
                        let verdict = model.verdict(direction, on: packet, in: 1)
                        let passes = if case .denied = verdict { false } else { true }
                        #expect(
                            passes == maps.allSatisfy { kernel.passes(packet, $0, pod) },
                            "\(packet) \(direction) \(verdict) \(said)")
                    }
                }
            }
        }
    }
}

/// Reads the commands that `nft` gets, as far as policies make any, and does to a packet what they say.
private struct KernelRules {
    private var elements: [String: Set<String>] = [:]
    private var rules: [String: [String]] = [:]

    init(_ commands: String) {
        for line in commands.split(separator: "\n") {
            // add KIND FAMILY TABLE NAME REST
            let words = line.split(separator: " ", maxSplits: 5).map(String.init)
            guard words.count == 6 else { continue }
            switch words[1] {
            case "element":
                let inner = words[5].dropFirst(2).dropLast(2)
                elements[words[4], default: []].formUnion(inner.split(separator: ", ").map(String.init))
            case "rule": rules[words[4], default: []].append(words[5])
            default: continue
            }
        }
    }

    func passes(_ packet: PolicyLine.Packet, _ map: PodMap, _ pod: IPAddress) -> Bool {
        let prefix = "\(pod) : "
        // The chain's name comes after goto or jump.
        guard let way = elements[map.rawValue]?.first(where: { $0.hasPrefix(prefix) }),
            let chain = way.split(separator: " ").last
        else { return true }
        for rule in rules[String(chain)] ?? [] {
            if rule == "drop" { return false }
            if matches(rule, packet) { return true }
        }
        return true
    }

    private func matches(_ rule: String, _ packet: PolicyLine.Packet) -> Bool {
        var rest = rule[...]
        func take(_ text: String) -> Bool {
            guard rest.hasPrefix(text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }
        func word() -> String {
            let end = rest.hasPrefix("{") ? rest.firstIndex(of: "}").map { rest.index(after: $0) } : rest.firstIndex(of: " ")
            let found = rest[..<(end ?? rest.endIndex)]
            rest = rest[found.endIndex...]
            if rest.hasPrefix(" ") { rest = rest.dropFirst() }
            return String(found)
        }
        func list(_ text: String) -> [String] {
            guard text.hasPrefix("{") else { return [text] }
            return text.dropFirst(2).dropLast(2).split(separator: ", ").map(String.init)
        }
        while !rest.isEmpty {
            if take("accept") || take("return") { return true }
            if take("ip daddr . ") {
                let transport = word()
                _ = take("dport @")
                guard transport == packet.transport.rawValue,
                    elements[word()]?.contains("\(packet.destination) . \(packet.port)") == true
                else { return false }
            } else if rest.hasPrefix("ip ") {
                _ = word()
                let address = word() == "saddr" ? packet.source : packet.destination
                if take("@") {
                    guard elements[word()]?.contains("\(address)") == true else { return false }
                } else if take("!= ") {
                    guard !list(word()).contains(where: { IPRange($0)?.contains(address) == true }) else { return false }
                } else {
                    guard IPRange(word())?.contains(address) == true else { return false }
                }
            } else if take("meta l4proto ") {
                guard word() == packet.transport.rawValue else { return false }
            } else {
                let isOpened = take("ct original proto-dst ")
                guard isOpened || (word() == packet.transport.rawValue && take("dport ")) else { return false }
                let isMeant = list(word()).contains { text in
                    let ends = text.split(separator: "-").compactMap { UInt16($0) }
                    return ends.count == 2 ? (ends[0]...ends[1]).contains(packet.port) : ends.first == packet.port
                }
                guard isMeant else { return false }
            }
        }
        return false
    }
}
