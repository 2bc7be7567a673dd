import KubeObject
import Testing

@testable import KubeNetwork

struct StubDomainsTests {
    private typealias Server = StubDomains.Server

    private func name(_ text: String) throws -> DNSName { try #require(DNSName(text)) }

    @Test func `reads kube-dns' config map`() throws {
        let domains = StubDomains(kubeDNS: [
            "stubDomains":
                #"{"corp.example": ["10.0.0.1", "10.0.0.2:5353"], "Deep.Corp.Example.": ["10.0.0.3"], "empty.example": [], "bad..name": ["10.0.0.9"]}"#,
            "upstreamNameservers": #"["1.2.3.4", "resolver.example", "1.2.3.5"]"#,
        ])
        let corp: [Server] = [Server("10.0.0.1"), Server("10.0.0.2", port: 5353)]
        #expect(domains.servers(for: try name("db.CORP.example")) == corp)
        #expect(domains.servers(for: try name("corp.example")) == corp)
        // The longest counts, and only whole labels do.
        #expect(domains.servers(for: try name("x.deep.corp.example")) == [Server("10.0.0.3")])
        #expect(domains.servers(for: try name("notcorp.example")) == [Server("1.2.3.4"), Server("1.2.3.5")])
        #expect(domains.servers(for: try name("empty.example")) == [Server("1.2.3.4"), Server("1.2.3.5")])
    }

    @Test func `reads a Corefile as the documentation has it`() throws {
        let corefile = """
            .:53 {
                errors
                health {
                    lameduck 5s
                }
                kubernetes cluster.local in-addr.arpa ip6.arpa {
                   pods insecure
                   fallthrough in-addr.arpa ip6.arpa
                }
                forward . /etc/resolv.conf {
                   max_concurrent 1000
                }
                forward side.example 10.0.0.7
                cache 30
            }
            # forward . 9.9.9.9
            consul.local:53 other.local {
                errors
                cache 30
                forward . 10.150.0.1 dns://10.150.0.2:54 tls://10.150.0.3 {
                    prefer_udp
                }
            }
            (snippet) {
                forward . 6.6.6.6
            }
            """
        let domains = StubDomains(coreDNS: ["Corefile": .string(corefile)])
        let consul = [Server("10.150.0.1"), Server("10.150.0.2", port: 54)]
        #expect(domains.servers(for: try name("a.consul.local")) == consul)
        #expect(domains.servers(for: try name("a.other.local")) == consul)
        #expect(domains.servers(for: try name("a.side.example")) == [Server("10.0.0.7")])
        #expect(domains.servers(for: try name("example.com")) == nil)
        let all = StubDomains(
            kubeDNS: ["upstreamNameservers": #"["1.1.1.1"]"#], coreDNS: ["Corefile": ". {\n forward . 8.8.8.8\n}"])
        #expect(all.servers(for: try name("example.com")) == [Server("8.8.8.8")])
    }

    @Test(arguments: [
        "{", "}}}", "[1,2", "{\"a\": 3}", "{\"a\": [1]}", "\"x\"", ". {", "forward . 1.1.1.1", ". { forward", "{ { {",
    ])
    func `nonsense says nothing`(text: String) {
        #expect(StubDomains(kubeDNS: ["stubDomains": .string(text), "upstreamNameservers": .string(text)]).isEmpty)
        #expect(StubDomains(coreDNS: ["Corefile": .string(text)]).isEmpty)
    }

    @Test func `takes only so much`() throws {
        let many = (0..<500).map { "\"d\($0).example\": [\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\"]" }.joined(
            separator: ",")
        let domains = StubDomains(kubeDNS: ["stubDomains": .string("{\(many)}")])
        #expect(domains.domains.count == StubDomains.maximumDomains)
        #expect(domains.domains.values.allSatisfy { $0.count == StubDomains.maximumServers })
        let long = String(repeating: " ", count: StubDomains.maximumText) + #"["1.1.1.1"]"#
        #expect(StubDomains(kubeDNS: ["upstreamNameservers": .string(long)]).isEmpty)
    }
}
