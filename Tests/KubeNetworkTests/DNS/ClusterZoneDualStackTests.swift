import KubeObject
import Testing

@testable import KubeNetwork

/// The names of services and pods that have addresses of both families, or of the second only.
struct ClusterZoneDualStackTests {
    private static let directory: FakeDirectory = {
        func both(_ name: String, _ addresses: [JSON], families: JSON) -> JSON {
            Objects.service(
                name, address: addresses[0].string, extra: ["clusterIPs": .array(addresses), "ipFamilies": families])
        }
        func slice(_ family: JSON, _ addresses: [JSON]) -> JSON {
            var slice = Objects.slice(
                of: "db", suffix: family.string ?? "", endpoints: addresses, ports: [["name": "sql", "port": 5432]])
            slice["addressType"] = family
            return slice
        }
        return FakeDirectory(
            services: [
                both("web", ["10.96.0.50", "fd00:10:96::50"], families: ["IPv4", "IPv6"]),
                both("six", ["fd00:10:96::6"], families: ["IPv6"]),
                Objects.service("db", address: "None"),
                Objects.service("number", address: nil, extra: ["type": "ExternalName", "externalName": "2001:db8::4"]),
            ],
            endpointSlices: [
                slice("IPv4", [Objects.endpoint("10.244.0.10", hostname: "db-0")]),
                slice("IPv6", [Objects.endpoint("fd00:10:244::a", hostname: "db-0"), Objects.endpoint("fd00:10:244::")]),
            ])
    }()

    private let zone = ClusterZone(
        domain: DNSName("cluster.local")!, dnsAddress: "10.96.0.10",
        ownRanges: ["10.244.0.0/16", "10.96.0.0/12", "fd00:10:244::/64", "fd00:10:96::/112"].map { IPRange($0)! })

    private func reply(_ name: String, _ type: DNSType) throws -> DNSReply {
        let query = DNSQuery(id: 1, name: try #require(DNSName(name)), type: type)
        guard case .reply(let reply) = zone.answer(query, Self.directory) else {
            Issue.record("\(name) isn't answered here")
            return DNSReply(.serverFailure)
        }
        return reply
    }

    private func texts(_ name: String, _ type: DNSType) throws -> Set<String> {
        Set(
            try reply(name, type).answers.map { record in
                switch record.data {
                case .a(let address): "A \(address)"
                case .aaaa(let address): "AAAA \(address)"
                case .ptr(let name): "\(name)"
                default: "?"
                }
            })
    }

    @Test(arguments: [
        ("web.default.svc.cluster.local", DNSType.a, ["A 10.96.0.50"]),
        ("web.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:96::50"]),
        ("six.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:96::6"]),
        ("db.default.svc.cluster.local", .a, ["A 10.244.0.10"]),
        ("db.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:244::a", "AAAA fd00:10:244::"]),
        ("db-0.db.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:244::a"]),
        ("fd00-10-244--0.db.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:244::"]),
        ("_sql._tcp.db.default.svc.cluster.local", .aaaa, ["AAAA fd00:10:244::a", "AAAA fd00:10:244::"]),
        ("number.default.svc.cluster.local", .aaaa, ["AAAA 2001:db8::4"]),
        ("fd00-10-244--a.default.pod.cluster.local", .aaaa, ["AAAA fd00:10:244::a"]),
        ("--1.default.pod.cluster.local", .aaaa, ["AAAA ::1"]),
        ("10-244-0-10.default.pod.cluster.local", .a, ["A 10.244.0.10"]),
    ])
    func `a name has the addresses of the family that is asked for`(_ name: String, _ type: DNSType, _ answer: [String]) throws {
        #expect(try texts(name, type) == Set(answer))
        #expect(try reply(name, type).isAuthoritative)
    }

    @Test(arguments: [
        ("six.default.svc.cluster.local", DNSType.a), ("10-244-0-10.default.pod.cluster.local", .aaaa),
        ("fd00-10-244--a.default.pod.cluster.local", .a), ("number.default.svc.cluster.local", .a),
        ("web.default.svc.cluster.local", .txt),
    ])
    func `a name that has none of that family exists all the same`(_ name: String, _ type: DNSType) throws {
        let reply = try reply(name, type)
        #expect(reply.code == .noError && reply.answers.isEmpty && reply.authorities.map(\.type) == [.soa])
    }

    @Test(arguments: [
        "fd00-10-244-a.default.pod.cluster.local", "1-2-3.default.pod.cluster.local", "::1.default.pod.cluster.local",
    ])
    func `what is no address is no pod's name`(_ name: String) throws {
        #expect(try reply(name, .aaaa).code == .nameError)
    }

    @Test func `a port of a service leads to both`() throws {
        let reply = try reply("_http._tcp.web.default.svc.cluster.local", .srv)
        #expect(reply.answers.count == 1)
        #expect(Set(reply.additionals.map(\.type)) == [.a, .aaaa])
    }

    @Test func `addresses have names`() throws {
        func arpa(_ address: IPAddress) -> String {
            address.octets.reversed().map { String($0 & 15, radix: 16) + "." + String($0 >> 4, radix: 16) }.joined(separator: ".")
                + ".ip6.arpa"
        }
        #expect(try texts(arpa("fd00:10:96::50"), .ptr) == ["web.default.svc.cluster.local."])
        #expect(try texts(arpa("fd00:10:244::a"), .ptr) == ["db-0.db.default.svc.cluster.local."])
        #expect(try texts(arpa("fd00:10:244::"), .ptr) == ["fd00-10-244--0.db.default.svc.cluster.local."])
        let nobody = try reply(arpa("fd00:10:96::99"), .ptr)
        #expect(nobody.code == .nameError && nobody.authorities.first?.name == DNSName("ip6.arpa"))
        #expect(try reply(arpa("fd00:10:96::50").uppercased(), .ptr).answers.count == 1)
        let query = DNSQuery(id: 1, name: try #require(DNSName(arpa("2001:db8::1"))), type: .ptr)
        #expect(zone.answer(query, Self.directory) == .forward)
        #expect(ClusterZone.reversed(["10"] + Array(repeating: "0", count: 31) + ["ip6", "arpa"]) == nil)
    }
}
