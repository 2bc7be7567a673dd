import NIOCore
import Testing

@testable import KubeNetwork

struct DNSCodecTests {
    private func name(_ text: String) throws -> DNSName { try #require(DNSName(text)) }

    @Test(arguments: ["a", "web.default.svc.cluster.local", String(repeating: "a", count: 63) + ".b"])
    func `names survive text`(_ text: String) throws {
        #expect(try name(text).description == text + ".")
        #expect(try name(text + ".") == name(text))
    }

    @Test(arguments: [
        "", ".", "..", "a..b", ".a", String(repeating: "a", count: 64),
        Array(repeating: "abcdefg", count: 32).joined(separator: "."),
    ])
    func `names that can't be`(_ text: String) {
        #expect(DNSName(text) == nil)
    }

    @Test func `compressed names are followed backwards only`() {
        var offset = 6
        let message: [UInt8] = [1, 97, 1, 98, 0, 0, 1, 99, 0xC0, 0x02, 9]
        #expect(DNSName(in: message, at: &offset)?.description == "c.b.")
        #expect(offset == 10)
        for (bytes, start) in [
            ([0xC0, 0x00], 0), ([0xC0, 0x02, 0xC0, 0x00], 0), ([1, 97, 0xC0, 0x00], 0), ([1, 97, 0xC0, 0x02], 2), ([0xC0], 0),
            ([5, 97], 0), ([1, 97], 0), ([0x40, 0], 0), ([0x80, 0], 0), ([], 0), ([0], 7),
        ] as [([UInt8], Int)] {
            var offset = start
            #expect(DNSName(in: bytes, at: &offset) == nil, "\(bytes)")
        }
    }

    @Test func `a name can't grow past its bound by pointers`() {
        var message: [UInt8] = [63] + [UInt8](repeating: 97, count: 63) + [0]
        for _ in 0..<4 {
            let start = message.count
            let previous = start == 65 ? 0 : start - 66
            message += [63] + [UInt8](repeating: 98, count: 63) + [0xC0 | UInt8(previous >> 8), UInt8(previous & 255)]
        }
        var offset = message.count - 66
        #expect(DNSName(in: message, at: &offset) == nil)
    }

    @Test func `a question survives the wire`() throws {
        var query = DNSQuery(id: 0x1234, name: try name("Web.default.svc.cluster.local"), type: .aaaa)
        query.extended = ExtendedDNS(payloadSize: 4_096)
        query.extended?.wantsSecurity = true
        #expect(try DNSQuery(query.bytes) == query)
        query.extended = nil
        #expect(try DNSQuery(query.bytes) == query)
    }

    @Test func `broken questions get the code they deserve`() throws {
        let good = DNSQuery(id: 7, name: try name("a.b"), type: .a).bytes
        #expect(throws: DNSQuery.Failure.ignored) { try DNSQuery(Array(good.prefix(11))) }
        #expect(throws: DNSQuery.Failure.ignored) { try DNSQuery([]) }
        var answer = good
        answer[2] |= 0x80
        #expect(throws: DNSQuery.Failure.ignored) { try DNSQuery(answer) }
        for length in 12..<good.count {
            #expect(throws: DNSQuery.Failure.refused(id: 7, flags: 0x0100, .formatError)) {
                try DNSQuery(Array(good.prefix(length)))
            }
        }
        var update = good
        update[2] = 0x28
        #expect(throws: DNSQuery.Failure.refused(id: 7, flags: 0x2800, .notImplemented)) { try DNSQuery(update) }
        for count: UInt8 in [0, 2] {
            var other = good
            other[5] = count
            #expect(throws: DNSQuery.Failure.refused(id: 7, flags: 0x0100, .formatError)) { try DNSQuery(other) }
        }
        var more = good
        more[11] = 1
        #expect(throws: DNSQuery.Failure.refused(id: 7, flags: 0x0100, .formatError)) { try DNSQuery(more) }
    }

    @Test func `an answer keeps the question's id, case and recursion flag`() throws {
        let query = DNSQuery(id: 99, name: try name("wEb.x"), type: .a)
        var reply = DNSReply(.noError)
        reply.isAuthoritative = true
        reply.answers = [DNSRecord(name: query.name, ttl: 5, data: .a("10.96.0.1"))]
        let bytes = reply.bytes(to: query, isDatagram: true)
        let answer = try #require(UpstreamAnswer(bytes, to: query))
        #expect(answer.records == reply.answers)
        #expect(bytes[2] == 0x85 && bytes[3] == 0x80)
        // Header, question, and a record whose name is two bytes.
        #expect(bytes.count == 12 + 7 + 4 + 2 + 10 + 4)
    }

    @Test func `what doesn't fit a datagram is cut, and said so`() throws {
        var query = DNSQuery(id: 99, name: try name("db.default.svc.cluster.local"), type: .a)
        var reply = DNSReply(.noError)
        reply.answers = (0..<200).map { DNSRecord(name: query.name, ttl: 5, data: .a(IPAddress(number: 0x0A00_0000 + $0))) }
        for (size, limit) in [(nil, 512), (100, 512), (900, 900), (4_096, 1_232)] as [(UInt16?, Int)] {
            query.extended = size.map { ExtendedDNS(payloadSize: $0) }
            let bytes = reply.bytes(to: query, isDatagram: true)
            #expect(bytes.count <= limit && bytes.count > limit - 16)
            let answer = try #require(UpstreamAnswer(bytes, to: query))
            #expect(answer.isTruncated && answer.lifetime == nil)
        }
        let whole = try #require(UpstreamAnswer(reply.bytes(to: query, isDatagram: false), to: query))
        #expect(!whole.isTruncated && whole.records.count == 200)
    }

    @Test func `additional records are left out without a word`() throws {
        let query = DNSQuery(id: 99, name: try name("_a._tcp.db.default.svc.cluster.local"), type: .srv)
        var reply = DNSReply(.noError)
        reply.answers = [
            DNSRecord(name: query.name, ttl: 5, data: .srv(priority: 0, weight: 1, port: 2, target: try name("x.y")))
        ]
        reply.additionals = (0..<200).map { DNSRecord(name: query.name, ttl: 5, data: .a(IPAddress(number: $0))) }
        let answer = try #require(UpstreamAnswer(reply.bytes(to: query, isDatagram: true), to: query))
        #expect(!answer.isTruncated)
    }

    @Test func `a version of EDNS that we don't know is answered with its code`() throws {
        var query = DNSQuery(id: 1, name: try name("a"), type: .a)
        query.extended = ExtendedDNS(payloadSize: 1_232)
        let bytes = DNSReply(.badVersion).bytes(to: query, isDatagram: true)
        #expect(bytes[3] & 0xF == 0)  // 16: the low bits in the header,
        #expect(bytes[bytes.count - 6] == 1)  // the high bits in the OPT record
    }

    @Test func `only an answer to our question counts`() throws {
        let query = DNSQuery(id: 5, name: try name("example.com"), type: .a)
        var reply = DNSReply(.noError)
        reply.answers = [DNSRecord(name: query.name, ttl: 300, data: .a("198.51.100.4"))]
        let good = reply.bytes(to: query, isDatagram: true)
        #expect(UpstreamAnswer(good, to: query) != nil)
        for change: (inout DNSQuery) -> Void in [
            { $0.id = 6 }, { $0.name = DNSName("example.org")! }, { $0.type = .aaaa }, { $0.recordClass = 3 },
        ] {
            var other = query
            change(&other)
            #expect(UpstreamAnswer(reply.bytes(to: other, isDatagram: true), to: query) == nil)
        }
        #expect(UpstreamAnswer(query.bytes, to: query) == nil)
        for length in 0..<good.count { #expect(UpstreamAnswer(Array(good.prefix(length)), to: query) == nil) }
    }

    @Test func `a remembered answer ages and takes the asker's id and spelling`() throws {
        let query = DNSQuery(id: 5, name: try name("example.com"), type: .a)
        var reply = DNSReply(.noError)
        reply.answers = [DNSRecord(name: query.name, ttl: 300, data: .a("198.51.100.4"))]
        let answer = try #require(UpstreamAnswer(reply.bytes(to: query, isDatagram: true), to: query))
        #expect(answer.lifetime == 30)
        let other = DNSQuery(id: 77, name: try name("EXAMPLE.com"), type: .a)
        let again = try #require(UpstreamAnswer(answer.bytes(to: other, age: 20), to: other))
        #expect(again.records.map(\.ttl) == [280])
    }

    @Test func `the cache forgets in time and stays small`() throws {
        let cache = DNSCache(capacity: 100)
        for index in 0..<1_000 {
            let query = DNSQuery(id: 5, name: try name("x\(index).example.com"), type: .a)
            var reply = DNSReply(.noError)
            reply.answers = [DNSRecord(name: query.name, ttl: 10, data: .a("198.51.100.4"))]
            let answer = try #require(UpstreamAnswer(reply.bytes(to: query, isDatagram: true), to: query))
            cache.keep(answer, to: query, now: .uptimeNanoseconds(1))
            #expect(cache.answer(to: query, now: .uptimeNanoseconds(5_000_000_000)) != nil)
            #expect(cache.answer(to: query, now: .uptimeNanoseconds(11_000_000_000)) == nil)
        }
        let kept = try (0..<1_000).filter {
            cache.answer(to: DNSQuery(id: 1, name: try name("x\($0).example.com"), type: .a), now: .uptimeNanoseconds(2)) != nil
        }
        #expect(kept.count <= 100)
    }

    @Test func `the host's resolvers are read as the C library reads them`() {
        let text = """
            # comment
            search example.com
            nameserver 10.96.0.10
            nameserver 127.0.0.53
              nameserver	fd00::1 # x
            nameserver
            nameserver nonsense
            nameserver 192.0.2.1
            nameserver 192.0.2.2
            """
        let resolvers = ResolverConfiguration(parsing: text, excluding: [IPRange("10.96.0.0/12")!])
        #expect(resolvers.servers.map(\.ipAddress) == ["127.0.0.53", "fd00::1", "192.0.2.1"])
    }
}
