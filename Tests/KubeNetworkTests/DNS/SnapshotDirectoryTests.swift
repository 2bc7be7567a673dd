import KubeObject
import KubeStore
import Testing

@testable import KubeNetwork

struct SnapshotDirectoryTests {
    /// The zone's own tests use objects in memory; a cluster of the store must say just the same.
    @Test func `a cluster's snapshot answers as its objects do`() async throws {
        let store = try TestStore()
        let cluster = try await store.cluster("a")
        let example = FakeDirectory.example
        for name in example.namespaces { try await cluster.put(Objects.namespace(name)) }
        for object in example.services + example.endpointSlices { try await cluster.put(object) }
        try await cluster.put(Objects.service("web", "kube-system", address: "10.96.0.99"))
        let zone = ClusterZone(
            domain: DNSName("cluster.local")!, dnsAddress: "10.96.0.10",
            ownRanges: [IPRange("10.244.0.0/16")!, IPRange("10.96.0.0/12")!])
        let names =
            [
                "web.default.svc", "db.default.svc", "db-0.db.default.svc", "empty.default.svc", "out.default.svc",
                "alias.default.svc",
                "nothing.default.svc", "web.nowhere.svc", "default.svc", "_sql._tcp.db.default.svc", "_http._tcp.web.default.svc",
                "1-2-3-4.default.pod",
            ].map { $0 + ".cluster.local" } + ["50.0.96.10.in-addr.arpa", "10.0.244.10.in-addr.arpa", "13.0.244.10.in-addr.arpa"]
        for name in names {
            for type in [DNSType.a, .srv, .ptr, .aaaa] {
                let query = DNSQuery(id: 1, name: try #require(DNSName(name)), type: type)
                let real = zone.answer(query, SnapshotDirectory(snapshot: cluster.snapshot))
                let expected = zone.answer(query, example)
                #expect(Self.essence(real) == Self.essence(expected), "\(name) \(type.number)")
            }
        }
        let other = DNSQuery(id: 1, name: try #require(DNSName("web.kube-system.svc.cluster.local")), type: .a)
        guard case .reply(let reply) = zone.answer(other, SnapshotDirectory(snapshot: cluster.snapshot)) else { return }
        #expect(reply.answers.map(\.data) == [.a("10.96.0.99")])
        await store.close()
    }

    /// Without order, and without the revision that the SOA record carries.
    private static func essence(_ outcome: ClusterZone.Outcome) -> [Set<DNSRecord>] {
        switch outcome {
        case .reply(let reply), .follow(let reply, _): [Set(reply.answers), Set(reply.additionals)]
        case .forward: []
        }
    }
}
