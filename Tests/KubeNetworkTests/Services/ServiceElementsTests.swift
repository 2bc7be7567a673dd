import KubeObject
import KubeRegistry
import Testing

@testable import KubeNetwork

struct ServiceElementsTests {
    private func elements(
        _ service: JSON, _ slices: [JSON], nodePorts: ClosedRange<UInt16>? = 30_000...32_767
    ) throws -> Set<String> {
        let facts = try #require(ServiceFacts(service))
        let elements = ServiceElements.of(
            facts, slices: slices.compactMap { SliceFacts($0) }, mark: ClusterMark(number: 7), nodePorts: nodePorts
        ) { _, _ in StickyNumber(3) }
        return Set(elements.map { "\($0.key.set.rawValue): \($0.text)" })
    }

    @Test func `a service's port has an element for itself and one for each ready endpoint`() throws {
        let slice = Objects.slice(
            of: "web",
            endpoints: [
                Objects.endpoint("10.244.0.9"), Objects.endpoint("10.244.0.8", ready: nil),
                Objects.endpoint("10.244.0.7", ready: false),
            ])
        #expect(
            try elements(Objects.service("web"), [slice]) == [
                "services: 7 . 10.96.0.50 . tcp . 80 : goto spread_2",
                "endpoints: 7 . 10.96.0.50 . tcp . 80 . 0:0 : 10.244.0.8 . 8080",
                "endpoints: 7 . 10.96.0.50 . tcp . 80 . 0:1 : 10.244.0.9 . 8080",
            ])
    }

    @Test func `a service without endpoints has no elements, so that it's refused`() throws {
        #expect(try elements(Objects.service("web"), []).isEmpty)
        let slice = Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.7", ready: false)])
        #expect(try elements(Objects.service("web"), [slice]).isEmpty)
    }

    @Test func `terminating endpoints serve when nobody else does`() throws {
        let leaving = Objects.endpoint("10.244.0.7", ready: false, serving: true, terminating: true)
        let broken = Objects.endpoint("10.244.0.6", ready: false, serving: false, terminating: true)
        let only = try elements(Objects.service("web"), [Objects.slice(of: "web", endpoints: [leaving, broken])])
        #expect(only.contains("endpoints: 7 . 10.96.0.50 . tcp . 80 . 0:0 : 10.244.0.7 . 8080"))
        #expect(only.count == 2)
        let both = try elements(
            Objects.service("web"), [Objects.slice(of: "web", endpoints: [leaving, Objects.endpoint("10.244.0.8")])])
        #expect(both.contains("endpoints: 7 . 10.96.0.50 . tcp . 80 . 0:0 : 10.244.0.8 . 8080"))
        #expect(both.count == 2)
    }

    @Test func `clients of a port of the host stay with their endpoint for as long`() throws {
        let service = Objects.service(
            "web", ports: [["name": "http", "port": 80, "nodePort": 30_080]],
            extra: [
                "type": "NodePort", "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 5]],
            ])
        func found(_ endpoints: [String]) throws -> Set<String> {
            try elements(service, [Objects.slice(of: "web", endpoints: endpoints.map { Objects.endpoint($0) })])
                .filter { $0.hasPrefix("node_") }
        }
        let one = try found(["10.244.0.8"])
        #expect(one.contains("node_ports: tcp . 30080 : goto node_stick_1_5"))
        let endpoint = try #require(one.first { $0.hasPrefix("node_sticky_endpoints: tcp . 30080 . ") })
        let two = try found(["10.244.0.7", "10.244.0.8"])
        #expect(two.contains(endpoint))
        #expect(one.count == 3 && two.count == 5)
    }

    /// Of two endpoints one is here; a third doesn't say where it is.
    @Test(
        arguments: [
            ([:], nil, ["10.244.0.7", "10.244.0.8", "10.244.0.9"], ["10.244.0.7", "10.244.0.8", "10.244.0.9"]),
            (["internalTrafficPolicy": "Local"], nil, ["10.244.0.7"], ["10.244.0.7", "10.244.0.8", "10.244.0.9"]),
            (["externalTrafficPolicy": "Local"], nil, ["10.244.0.7", "10.244.0.8", "10.244.0.9"], ["10.244.0.7"]),
            (["internalTrafficPolicy": "Local", "externalTrafficPolicy": "Local"], "far", [], []),
        ] as [([String: JSON], String?, [String], [String])])
    func `by its traffic policies a service uses what is on this node only`(
        _ policies: [String: JSON], _ elsewhere: String?, _ inside: [String], _ outside: [String]
    ) throws {
        var extra = policies
        extra["type"] = "NodePort"
        extra["externalIPs"] = ["198.51.100.7"]
        let service = Objects.service("web", ports: [["name": "http", "port": 80, "nodePort": 30_080]], extra: extra)
        var endpoints = [Objects.endpoint("10.244.0.7"), Objects.endpoint("10.244.0.8"), Objects.endpoint("10.244.0.9")]
        endpoints[0]["nodeName"] = .string(elsewhere ?? "here")
        endpoints[1]["nodeName"] = "there"
        let facts = try #require(ServiceFacts(service))
        let slice = try #require(SliceFacts(Objects.slice(of: "web", endpoints: endpoints)))
        let found = ServiceElements.of(
            facts, slices: [slice], mark: ClusterMark(number: 7), nodePorts: 30_000...32_767, nodes: MachineNodes(first: "here")
        ) { _, _ in StickyNumber(3) }
        func targets(_ prefix: String, _ set: RuleSet) -> [String] {
            found.filter { $0.key.set == set && $0.key.text.hasPrefix(prefix) }.compactMap { element in
                if case .endpoint(let endpoint) = element.value { endpoint.address.description } else { nil }
            }.sorted()
        }
        func value(_ key: String, _ set: RuleSet) -> Element.Value? {
            found.first { $0.key == .init(set: set, text: key) }?.value
        }
        #expect(targets("7 . 10.96.0.50 ", .endpoints) == inside)
        #expect(targets("tcp . 30080 ", .nodeEndpoints) == outside)
        // From within, an external address is a way to all endpoints.
        #expect(targets("7 . 198.51.100.7 ", .endpoints) == ["10.244.0.7", "10.244.0.8", "10.244.0.9"])
        // There are endpoints, so it isn't refused; nobody answers.
        #expect((value("7 . 10.96.0.50 . tcp . 80", .services) == .drop) == inside.isEmpty)
        #expect((value("tcp . 30080", .nodePorts) == .drop) == outside.isEmpty)
    }

    @Test func `the same endpoint in two slices counts once`() throws {
        let slices = ["a", "b"].map { Objects.slice(of: "web", suffix: $0, endpoints: [Objects.endpoint("10.244.0.8")]) }
        #expect(try elements(Objects.service("web"), slices).contains("services: 7 . 10.96.0.50 . tcp . 80 : goto spread_1"))
    }

    @Test func `ports are matched by name and protocol`() throws {
        let ports: [JSON] = [
            ["name": "dns", "port": 53, "protocol": "UDP"], ["name": "dns-tcp", "port": 53], ["name": "none", "port": 9],
        ]
        let slice = Objects.slice(
            of: "web", endpoints: [Objects.endpoint("10.244.0.8")],
            ports: [["name": "dns", "port": 5353, "protocol": "UDP"], ["name": "dns-tcp", "port": 5354, "protocol": "TCP"]])
        #expect(
            try elements(Objects.service("web", ports: ports), [slice]) == [
                "services: 7 . 10.96.0.50 . udp . 53 : goto spread_1",
                "endpoints: 7 . 10.96.0.50 . udp . 53 . 0:0 : 10.244.0.8 . 5353",
                "services: 7 . 10.96.0.50 . tcp . 53 : goto spread_1",
                "endpoints: 7 . 10.96.0.50 . tcp . 53 . 0:0 : 10.244.0.8 . 5354",
            ])
    }

    @Test func `with session affinity an endpoint has a number that stays its own`() throws {
        let service = Objects.service(
            "web", extra: ["sessionAffinity": "ClientIP", "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 5]]])
        func found(_ endpoints: [String]) throws -> Set<String> {
            try elements(service, [Objects.slice(of: "web", endpoints: endpoints.map { Objects.endpoint($0) })])
        }
        let one = try found(["10.244.0.8"])
        #expect(one.contains("services: 7 . 10.96.0.50 . tcp . 80 : goto stick_1_5"))
        #expect(one.contains("sticky_ports: 7 . 10.96.0.50 . tcp . 80 : 2147483651"))
        let two = try found(["10.244.0.7", "10.244.0.8"])
        let endpoint = try #require(one.first { $0.hasPrefix("sticky_endpoints") })
        #expect(two.contains(endpoint))
        #expect(one.count == 4 && two.count == 6)
    }

    @Test(arguments: [(nil, 10_800), (0, 1), (1_000_000, 86_400), (60, 60)] as [(JSON?, UInt32)])
    func `affinity lasts as long as the API allows`(_ given: JSON?, _ seconds: UInt32) {
        var service = Objects.service("web", extra: ["sessionAffinity": "ClientIP"])
        if let given { service[path: "spec", "sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": given]] }
        #expect(ServiceFacts(service)?.stickySeconds == seconds)
    }

    @Test func `external and load balancer addresses lead to the same endpoints`() throws {
        var service = Objects.service("web", extra: ["type": "LoadBalancer", "externalIPs": ["198.51.100.7", "fd00::1"]])
        service[path: "status", "loadBalancer", "ingress"] = [
            ["ip": "198.51.100.8"], ["hostname": "x"], ["ip": "198.51.100.9", "ipMode": "Proxy"],
        ]
        let slice = Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.8")])
        let keys = try elements(service, [slice]).filter { $0.hasPrefix("services") }
        #expect(
            keys == [
                "services: 7 . 10.96.0.50 . tcp . 80 : goto spread_1", "services: 7 . 198.51.100.7 . tcp . 80 : goto spread_1",
                "services: 7 . 198.51.100.8 . tcp . 80 : goto spread_1",
            ])
    }

    @Test func `node ports are taken only within their range`() throws {
        func ports(_ nodePort: JSON) -> [JSON] { [["name": "http", "port": 80, "nodePort": nodePort]] }
        let slice = Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.8")])
        let good = Objects.service("web", ports: ports(30_080), extra: ["type": "NodePort"])
        let found = try elements(good, [slice]).filter { $0.hasPrefix("node") }
        #expect(
            found == [
                "node_ports: tcp . 30080 : goto node_spread_1", "node_endpoints: tcp . 30080 . 0:0 : 10.244.0.8 . 8080",
            ])
        #expect(try elements(good, [slice], nodePorts: nil).count == 2)
        for bad: JSON in [6443, 22, 0, 70_000, -1] {
            let service = Objects.service("web", ports: ports(bad), extra: ["type": "NodePort"])
            #expect(try elements(service, [slice]).count == 2, "\(bad)")
        }
        let clusterIP = Objects.service("web", ports: ports(30_080))
        #expect(try elements(clusterIP, [slice]).count == 2)
    }

    @Test(
        arguments: [
            Objects.service("web", address: "None"), Objects.service("web", address: nil, extra: ["type": "ExternalName"]),
            ["spec": 7], [:], .null, ["spec": ["clusterIP": "x; flush ruleset", "ports": [["port": 80]]]],
        ] as [JSON])
    func `what has no address has no elements`(_ service: JSON) {
        let slice = SliceFacts(Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.8")]))
        let elements = ServiceFacts(service).map {
            ServiceElements.of($0, slices: [slice].compactMap { $0 }, mark: ClusterMark(number: 1), nodePorts: nil) { _, _ in
                StickyNumber(3)
            }
        }
        #expect(elements ?? [] == [])
    }

    @Test func `endpoints with odd addresses and ports don't count`() throws {
        let slice = Objects.slice(
            of: "web",
            endpoints: [
                Objects.endpoint("10.244.0.8 } ; flush ruleset"), Objects.endpoint("fd00::1"), ["addresses": []], ["x": 1], 7,
            ],
            ports: [
                ["name": "http", "port": 0], ["name": "http", "port": 70_000], ["name": "http"],
                ["name": "http", "port": 80, "protocol": "X"],
            ])
        #expect(try elements(Objects.service("web"), [slice]).isEmpty)
        var six = Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.8")])
        six["addressType"] = "IPv6"
        #expect(try elements(Objects.service("web"), [six]).isEmpty)
    }
}
