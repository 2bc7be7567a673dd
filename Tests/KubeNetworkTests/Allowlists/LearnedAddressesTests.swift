import KubeObject
import NIOCore
import NIOPosix
import Testing

@testable import KubeNetwork

@Suite struct LearnedAddressesTests {
    private let now = ContinuousClock.Instant.now
    private let git = DNSName("git.example.org")!
    private let all = [DomainPattern("*.example.org")!]

    @Test(arguments: [
        ("git.example.org", "git.example.org", true), ("git.example.org", "a.git.example.org", false),
        ("Git.Example.org", "git.example.org", true), ("*.example.org", "git.example.org", true),
        ("*.example.org", "a.b.example.org", true), ("*.example.org", "example.org", false),
        ("*.example.org", "badexample.org", false), ("*.example.org", "example.org.evil.com", false),
        ("*.org", "example.org", true), ("example.org", "org", false),
    ])
    func patternsMatchWholeLabels(pattern: String, name: String, isMeant: Bool) throws {
        #expect(try #require(DomainPattern(pattern)).matches(try #require(DNSName(name)).canonical) == isMeant)
    }

    @Test func answersCountForTheirTimeToLiveWithinBounds() {
        for (ttl, seconds) in [(0, 75), (60, 75), (300, 300), (86_400, 86_400), (UInt32.max, 86_400)] as [(UInt32, Int64)] {
            var learned = LearnedAddresses()
            #expect(learned.note(git, ["192.0.2.1": ttl], now: now) == ["192.0.2.1"])
            #expect(learned.end(of: "192.0.2.1", all, now: now) == now + .seconds(seconds))
            #expect(learned.end(of: "192.0.2.1", all, now: now + .seconds(seconds)) == nil)
            #expect(learned.all(all, now: now + .seconds(seconds)).isEmpty)
            #expect(learned.end(of: "192.0.2.1", [DomainPattern("git.example.net")!], now: now) == nil)
            // A later answer that ends earlier takes nothing away.
            #expect(learned.note(git, ["192.0.2.1": 0], now: now) == [])
        }
    }

    @Test func aNameAndAClusterHaveOnlySoManyAddresses() {
        var learned = LearnedAddresses()
        for number in 0..<200 { _ = learned.note(git, [IPAddress(number: UInt32(number)): 300], now: now + .seconds(number)) }
        let kept = learned.all(all, now: now + .seconds(200))
        #expect(kept.count == LearnedAddresses.maximumOfName)
        #expect(kept.keys.allSatisfy { $0.digest >= 136 }, "the latest")
        for number in 0..<5_000 {
            let name = DNSName("n\(number).example.org")!
            let touched = learned.note(name, [IPAddress(number: UInt32(number)): 300], now: now + .seconds(200))
            #expect(touched.contains(IPAddress(number: UInt32(number))))
            #expect(learned.all(all, now: now + .seconds(200)).count <= LearnedAddresses.maximum)
        }
    }

    @Test func theKernelIsToldOfWhatIsLearnedAndOfWhatMakesWay() {
        var model = AllowlistModel(host: PolicyCompilerTests.host)
        let said: JSON = ["egress": [["names": ["*.example.org"], "ports": [["port": 443]]]]]
        model.set(NetworkAllowlists([("team", said)]), of: 1, now: now)
        model.attach("10.244.0.2", to: 1)
        let table = TableName(instance: "t")
        let made = model.takeChanges(table: table, now: now)
        #expect(made.contains("add set inet sampan_t allowlist_set_1 { type ipv4_addr; flags timeout; }"))
        #expect(made.contains("ip daddr @allowlist_set_1 tcp dport { 443 } return"))
        let packet = PolicyLine.Packet(source: "10.244.0.2", destination: "192.0.2.1", transport: .tcp, port: 443)
        #expect(model.verdict(.outgoing, on: packet, in: 1, now: now) == .denied(by: "team"))
        model.learn(git, ["192.0.2.1": 300], in: 1, now: now)
        model.learn(DNSName("git.example.net")!, ["192.0.2.2": 300], in: 1, now: now)
        model.learn(git, ["192.0.2.3": 300], in: 2, now: now)
        let set = "inet sampan_t allowlist_set_1 { 192.0.2.1"
        #expect(
            model.takeChanges(table: table, now: now).split(separator: "\n").filter { $0.contains("192.0.2.1") } == [
                "add element \(set) timeout 60s }", "delete element \(set) }", "add element \(set) timeout 300s }",
            ])
        #expect(model.takeChanges(table: table, now: now).isEmpty)
        #expect(model.everything(table: table, now: now + .seconds(100)).contains("add element \(set) timeout 200s }"))
        #expect(model.verdict(.outgoing, on: packet, in: 1, now: now) == .allowed([.init(owner: "team", rule: 0)]))
        #expect(model.verdict(.outgoing, on: packet, in: 1, now: now + .seconds(300)) == .denied(by: "team"))
    }

    @Test func aQuestionThatIsAskedAgainIsToldOfOnce() throws {
        let names = AllowedNames()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var told: [String] = []
        func ask(_ name: String, _ addresses: Set<IPAddress>, after seconds: Int64 = 0, of cluster: Int64 = 1) -> Bool {
            names.learn(DNSName(name)!, addresses, of: cluster, on: loop, now: .uptimeNanoseconds(1) + .seconds(seconds)) {
                name, promise in
                told.append("\(name)")
                promise.succeed()
            } != nil
        }
        #expect(!ask("git.example.org", ["192.0.2.1"]))
        names.set(Set(all), of: 1)
        #expect(ask("Git.example.org", ["192.0.2.1"]) && told == ["git.example.org."])
        #expect(ask("git.example.org", ["192.0.2.1"], after: 9) && told.count == 1)
        #expect(ask("git.example.org", ["192.0.2.2"], after: 9) && told.count == 2)
        #expect(ask("git.example.org", ["192.0.2.2"], after: 20) && told.count == 3)
        #expect(!ask("example.com", ["192.0.2.2"]) && !ask("git.example.org", ["192.0.2.2"], of: 2))
        names.keep(only: [2])
        #expect(!ask("git.example.org", ["192.0.2.2"]))
    }
}
