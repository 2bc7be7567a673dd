import Testing

@testable import KubeNetwork

/// The Kubernetes DNS specification, section by section, and what CoreDNS does where it's silent.
struct ClusterZoneTests {
    private let zone = ClusterZone(
        domain: DNSName("cluster.local")!, dnsAddress: "10.96.0.10",
        ownRanges: [IPRange("10.244.0.0/16")!, IPRange("10.96.0.0/12")!])

    private func ask(_ name: String, _ type: DNSType = .a, _ change: (inout DNSQuery) -> Void = { _ in }) throws
        -> ClusterZone.Outcome
    {
        var query = DNSQuery(id: 1, name: try #require(DNSName(name)), type: type)
        change(&query)
        return zone.answer(query, FakeDirectory.example)
    }

    private func reply(_ name: String, _ type: DNSType = .a) throws -> DNSReply {
        guard case .reply(let reply) = try ask(name, type) else {
            Issue.record("\(name) isn't answered here")
            return DNSReply(.serverFailure)
        }
        return reply
    }

    private func addresses(_ name: String) throws -> Set<String> {
        let reply = try reply(name)
        #expect(reply.code == .noError && reply.isAuthoritative)
        #expect(reply.answers.allSatisfy { $0.ttl == 5 && $0.name == DNSName(name) })
        return Set(reply.answers.compactMap { if case .a(let address) = $0.data { address.description } else { nil } })
    }

    /// NXDOMAIN and NODATA both carry the zone's SOA, so that clients may remember them.
    private func expectNothing(_ name: String, _ type: DNSType = .a, _ code: DNSCode) throws {
        let reply = try reply(name, type)
        #expect(reply.code == code, "\(name)")
        #expect(reply.answers.isEmpty && reply.isAuthoritative)
        #expect(reply.authorities.map(\.type) == [.soa], "\(name)")
    }

    @Test func `2.2 schema version`() throws {
        #expect(try reply("dns-version.cluster.local", .txt).answers.map(\.data) == [.txt("1.1.0")])
        try expectNothing("dns-version.cluster.local", .a, .noError)
    }

    @Test func `2.3.1 addresses of services`() throws {
        #expect(try addresses("web.default.svc.cluster.local") == ["10.96.0.50"])
        #expect(try addresses("WEB.Default.SVC.Cluster.Local") == ["10.96.0.50"])
        #expect(try addresses("kubernetes.default.svc.cluster.local.") == ["10.96.0.1"])
        #expect(try addresses("_http._tcp.web.default.svc.cluster.local") == ["10.96.0.50"])
    }

    @Test func `2.3.1 an existing name has no AAAA records, but exists`() throws {
        try expectNothing("web.default.svc.cluster.local", .aaaa, .noError)
        try expectNothing("web.default.svc.cluster.local", .txt, .noError)
        try expectNothing("web.default.svc.cluster.local", .any, .noError)
        try expectNothing("web.default.svc.cluster.local", .cname, .noError)
        try expectNothing("db.default.svc.cluster.local", .aaaa, .noError)
    }

    @Test(arguments: [
        "nothing.default.svc.cluster.local", "web.nowhere.svc.cluster.local", "nowhere.svc.cluster.local",
        "nowhere.cluster.local",
        "x.y.z.web.default.svc.cluster.local", "_x._tcp.web.default.svc.cluster.local",
        "_http._udp.web.default.svc.cluster.local",
        "google.com.default.svc.cluster.local", "10-244-0-99.web.default.svc.cluster.local",
    ])
    func `names that aren't there`(_ name: String) throws {
        for type in [DNSType.a, .aaaa, .srv, .txt] { try expectNothing(name, type, .nameError) }
    }

    @Test(arguments: ["default.svc.cluster.local", "svc.cluster.local", "pod.cluster.local", "default.pod.cluster.local"])
    func `names on the way to others exist without records`(_ name: String) throws {
        try expectNothing(name, .noError)
    }

    private func expectNothing(_ name: String, _ code: DNSCode) throws { try expectNothing(name, .a, code) }

    @Test func `2.3.2 SRV records of services`() throws {
        let target = try #require(DNSName("web.default.svc.cluster.local"))
        let one = try reply("_http._tcp.web.default.svc.cluster.local", .srv)
        #expect(one.answers.map(\.data) == [.srv(priority: 0, weight: 100, port: 80, target: target)])
        #expect(one.additionals == [DNSRecord(name: target, ttl: 5, data: .a("10.96.0.50"))])
        let all = try reply("web.default.svc.cluster.local", .srv)
        #expect(
            Set(all.answers.map(\.data)) == [
                .srv(priority: 0, weight: 50, port: 80, target: target), .srv(priority: 0, weight: 50, port: 53, target: target),
            ])
    }

    @Test func `2.3.3 PTR records of services`() throws {
        let name = try #require(DNSName("web.default.svc.cluster.local"))
        #expect(try reply("50.0.96.10.in-addr.arpa", .ptr).answers.map(\.data) == [.ptr(name)])
        try expectNothing("51.0.96.10.in-addr.arpa", .ptr, .nameError)
        try expectNothing("50.0.96.10.in-addr.arpa", .a, .noError)
        #expect(try ask("8.8.8.8.in-addr.arpa", .ptr) == .forward)
    }

    @Test func `2.4.1 addresses of headless services and of their endpoints`() throws {
        #expect(try addresses("db.default.svc.cluster.local") == ["10.244.0.10", "10.244.0.11", "10.244.0.12"])
        #expect(try addresses("db-1.db.default.svc.cluster.local") == ["10.244.0.11"])
        #expect(try addresses("10-244-0-12.db.default.svc.cluster.local") == ["10.244.0.12"])
        try expectNothing("db-2.db.default.svc.cluster.local", .a, .nameError)
        try expectNothing("10-244-0-10.db.default.svc.cluster.local", .a, .nameError)
        try expectNothing("empty.default.svc.cluster.local", .a, .nameError)
        #expect(try addresses("10-244-0-9.web.default.svc.cluster.local") == ["10.244.0.9"])
    }

    @Test func `2.4.2 SRV records of headless services`() throws {
        let reply = try reply("_sql._tcp.db.default.svc.cluster.local", .srv)
        let targets = ["db-0", "db-1", "10-244-0-12"].compactMap { DNSName("\($0).db.default.svc.cluster.local") }
        #expect(Set(reply.answers.map(\.data)) == Set(targets.map { .srv(priority: 0, weight: 33, port: 5432, target: $0) }))
        #expect(Set(reply.additionals.map(\.name)) == Set(targets))
    }

    @Test func `2.4.3 PTR records of endpoints`() throws {
        let name = try #require(DNSName("db-0.db.default.svc.cluster.local"))
        #expect(try reply("10.0.244.10.in-addr.arpa", .ptr).answers.map(\.data) == [.ptr(name)])
        try expectNothing("13.0.244.10.in-addr.arpa", .ptr, .nameError)
    }

    @Test func `2.5 external names`() throws {
        let target = try #require(DNSName("www.example.com"))
        guard case .follow(let reply, target) = try ask("out.default.svc.cluster.local") else {
            Issue.record("the external name isn't followed")
            return
        }
        #expect(reply.answers.map(\.data) == [.cname(target)])
        #expect(try self.reply("out.default.svc.cluster.local", .cname).answers.map(\.data) == [.cname(target)])
        try expectNothing("out.default.svc.cluster.local", .srv, .noError)
        try expectNothing("out.default.svc.cluster.local", .txt, .noError)
        try expectNothing("x.out.default.svc.cluster.local", .a, .nameError)
        #expect(try addresses("number.default.svc.cluster.local") == ["198.51.100.4"])
    }

    @Test func `2.5 external names that are the cluster's own`() throws {
        let reply = try reply("alias.default.svc.cluster.local")
        #expect(reply.answers.map(\.type) == [.cname, .a])
        #expect(reply.answers.last?.name == DNSName("web.default.svc.cluster.local"))
        #expect(try self.reply("lost.default.svc.cluster.local").code == .nameError)
        #expect(try self.reply("round.default.svc.cluster.local").code == .serverFailure)
    }

    @Test func `2.6 addresses within names of pods`() throws {
        #expect(try addresses("1-2-3-4.default.pod.cluster.local") == ["1.2.3.4"])
        try expectNothing("1-2-3-4.default.pod.cluster.local", .aaaa, .noError)
        for name in [
            "1-2-3.default.pod", "1-2-3-4.nowhere.pod", "1-2-3-256.default.pod", "x.1-2-3-4.default.pod", "1.2.3.4.default.pod",
        ] {
            try expectNothing("\(name).cluster.local", .a, .nameError)
        }
    }

    @Test func `the zone's own records`() throws {
        #expect(try reply("cluster.local", .soa).answers.map(\.type) == [.soa])
        #expect(try reply("cluster.local", .ns).answers.map(\.data) == [.ns(try #require(DNSName("ns.dns.cluster.local")))])
        #expect(try addresses("ns.dns.cluster.local") == ["10.96.0.10"])
        try expectNothing("cluster.local", .a, .noError)
        guard case .soa(_, _, let serial, _, _, _, let minimum) = try reply("cluster.local", .soa).answers[0].data else { return }
        #expect(serial == 42 && minimum == 5)
    }

    @Test(arguments: ["example.com", "local", "cluster.local.example.com", "xcluster.local", "1.in-addr.arpa", "x.ip6.arpa"])
    func `other names are asked for outside`(_ name: String) throws {
        #expect(try ask(name) == .forward)
    }

    @Test func `what we don't do is refused`() throws {
        #expect(try ask("cluster.local", .axfr) == .reply(DNSReply(.refused)))
        #expect(try ask("cluster.local") { $0.recordClass = 3 } == .reply(DNSReply(.refused)))
        #expect(
            try ask("cluster.local") {
                $0.extended = ExtendedDNS(payloadSize: 1_232)
                $0.extended?.version = 1
            } == .reply(DNSReply(.badVersion)))
    }
}
