import Testing

@testable import KubeNetwork

/// Hostile bytes: nothing crashes, and what comes out can be read again.
struct DNSFuzzTests {
    /// SplitMix64: the same bytes in every run.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    private let zone = ClusterZone(
        domain: DNSName("cluster.local")!, dnsAddress: "10.96.0.10",
        ownRanges: [IPRange("10.244.0.0/16")!, IPRange("10.96.0.0/12")!])

    private static let seeds: [[UInt8]] = [
        "web.default.svc.cluster.local", "_http._tcp.web.default.svc.cluster.local", "db-0.db.default.svc.cluster.local",
        "50.0.96.10.in-addr.arpa", "1-2-3-4.default.pod.cluster.local", "alias.default.svc.cluster.local", "example.com",
    ].map { DNSQuery(id: 1, name: DNSName($0)!, type: .a, extended: ExtendedDNS(payloadSize: 1_232)).bytes }

    private func feed(_ bytes: [UInt8], _ answered: inout Int) {
        if let query = try? DNSQuery(bytes) {
            if case .reply(let reply) = zone.answer(query, FakeDirectory.example) {
                let answer = reply.bytes(to: query, isDatagram: true)
                #expect(answer.count <= DNSReply.maximumDatagram)
                #expect(UpstreamAnswer(answer, to: query) != nil)
                answered += 1
            }
        }
        let asked = DNSQuery(id: 1, name: DNSName("example.com")!, type: .a)
        if let answer = UpstreamAnswer(bytes, to: asked) { _ = answer.bytes(to: asked, age: 7) }
    }

    @Test func `random bytes`() {
        var random = Seeded(state: 1)
        var answered = 0
        for _ in 0..<60_000 {
            feed((0..<Int.random(in: 0...96, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }, &answered)
        }
    }

    @Test func `questions with some bytes changed`() throws {
        var random = Seeded(state: 2)
        var answered = 0
        for _ in 0..<60_000 {
            var bytes = try #require(Self.seeds.randomElement(using: &random))
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            feed(bytes, &answered)
        }
        #expect(answered > 1_000)
    }

    @Test func `answers with some bytes changed`() throws {
        var random = Seeded(state: 3)
        let query = DNSQuery(id: 1, name: DNSName("example.com")!, type: .a)
        var reply = DNSReply(.noError)
        reply.answers = [
            DNSRecord(name: query.name, ttl: 60, data: .cname(DNSName("www.example.com")!)),
            DNSRecord(name: DNSName("www.example.com")!, ttl: 60, data: .a("198.51.100.1")),
        ]
        let good = reply.bytes(to: query, isDatagram: true)
        var accepted = 0
        for _ in 0..<60_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let answer = UpstreamAnswer(bytes, to: query) {
                accepted += 1
                _ = answer.bytes(to: query, age: .random(in: 0...(.max), using: &random))
                var whole = DNSReply(.noError)
                whole.answers = answer.records
                #expect(whole.bytes(to: query, isDatagram: true).count <= 512)
            }
        }
        #expect(accepted > 1_000)
    }
}
