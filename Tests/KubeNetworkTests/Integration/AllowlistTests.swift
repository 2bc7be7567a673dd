import KubeObject
import KubeRegistry
import KubeStore
import Synchronization
import Testing

@testable import KubeNetwork

extension Integration {
    /// What allowlists do to real packets.
    @Suite(
        .serialized, .enabled(if: NetworkBed.isPossible, "needs root, nft and ip (packages nftables and iproute2)"),
        NetworkBedTrait())
    struct AllowlistTests {
        private let bed: NetworkBed

        init() throws { bed = try #require(NetworkBed.current) }

        private func reaches(
            _ from: NetworkNamespace, _ address: String, _ port: UInt16 = 8_080, _ kind: TestSocket.Kind = .tcp
        ) async -> Bool {
            do { return try await NetworkBed.ask(from, kind, address, port, timeout: 0.3).contains(" sees ") } catch {
                return false
            }
        }

        private func lists(_ said: JSON...) -> NetworkAllowlists {
            NetworkAllowlists(said.enumerated().map { ("list \($0)", $1) })
        }

        @Test func `what goes out`() async throws {
            let (a1, a2, b1) = (bed.a1, bed.a2, bed.b1)
            let out = NetworkBed.outsideAddress
            try await NetworkBed.eventually("without a list") { await reaches(a1.namespace, out) }
            let cases: [(String, NetworkAllowlists, tcp: Bool, udp: Bool)] = [
                ("nothing", lists(["egress": []]), false, false),
                ("by the address", lists(["egress": [["cidrs": [.string("\(out)/32")]]]]), true, true),
                ("another address", lists(["egress": [["cidrs": ["203.0.113.3/32"]]]]), false, false),
                ("by the port", lists(["egress": [["cidrs": ["0.0.0.0/0"], "ports": [["port": 8080]]]]]), true, false),
                ("by another port", lists(["egress": [["cidrs": ["0.0.0.0/0"], "ports": [["port": 8081]]]]]), false, false),
                (
                    "by a range of ports and the protocol",
                    lists([
                        "egress": [["cidrs": ["203.0.0.0/16"], "ports": [["protocol": "UDP", "port": 8000, "endPort": 9000]]]]
                    ]),
                    false, true
                ),
                (
                    "by both of two lists",
                    lists(
                        ["egress": [["cidrs": ["203.0.113.0/24"]]]],
                        ["egress": [["cidrs": ["0.0.0.0/0"], "ports": [["port": 8080]]]]]),
                    true, false
                ),
                ("by one of two", lists(["egress": [["cidrs": ["0.0.0.0/0"]]]], ["egress": []]), false, false),
                ("what comes in isn't meant", lists(["ingress": []]), true, true),
            ]
            for (what, said, tcp, udp) in cases {
                bed.say(said, of: bed.a)
                try await NetworkBed.eventually("\(what): TCP") { await reaches(a1.namespace, out) == tcp }
                try await NetworkBed.eventually("\(what): UDP") { await reaches(a1.namespace, out, 8_080, .udp) == udp }
                #expect(await reaches(a1.namespace, a2.address), "within the cluster: \(what)")
                #expect(await reaches(a1.namespace, "10.96.0.1", 443), "the API server: \(what)")
                #expect(await reaches(b1.namespace, out), "another cluster: \(what)")
                #expect(await reaches(a1.namespace, b1.address) == false, "no list opens another cluster: \(what)")
                #expect(
                    await reaches(a1.namespace, NetworkBed.hostAddress, bed.configuration.apiPort + 2) == false, "nor the host")
            }
            bed.say(NetworkAllowlists(), of: bed.a)
            try await NetworkBed.eventually("no list any more") { await reaches(a1.namespace, out) }
        }

        @Test func `who comes in, by the port of the host`() async throws {
            var attached = bed.a2.attached
            attached.hostPorts = [HostPort(number: 7_080, target: 8_080)]
            try await bed.network.podAttached(attached)
            let (a1, a2, out) = (bed.a1, bed.a2, bed.outside)
            func isOpen(_ expected: Bool, _ what: String) async throws {
                try await NetworkBed.eventually(what) { await reaches(out, NetworkBed.hostAddress, 7_080) == expected }
                #expect(await reaches(a1.namespace, NetworkBed.hostAddress, 7_080), "from within the cluster: \(what)")
                #expect(try await NetworkBed.ask(nil, .tcp, NetworkBed.hostAddress, 7_080).hasPrefix("a2"), "the host: \(what)")
                #expect(await reaches(a2.namespace, NetworkBed.outsideAddress), "answers come back: \(what)")
            }
            try await isOpen(true, "without a list")
            let source = JSON.string("\(NetworkBed.outsideAddress)/32")
            let cases: [(String, NetworkAllowlists, Bool)] = [
                ("nobody", lists(["ingress": []]), false),
                ("by the address", lists(["ingress": [["cidrs": [source]]]]), true),
                ("another address", lists(["ingress": [["cidrs": ["203.0.113.7/32"]]]]), false),
                ("by the port of the host", lists(["ingress": [["cidrs": [source], "ports": [["port": 7080]]]]]), true),
                (
                    "by a range of them", lists(["ingress": [["cidrs": [source], "ports": [["port": 7000, "endPort": 7100]]]]]),
                    true
                ),
                ("not by the pod's", lists(["ingress": [["cidrs": [source], "ports": [["port": 8080]]]]]), false),
                ("by one of two lists", lists(["ingress": [["cidrs": [source]]]], ["ingress": []]), false),
            ]
            for (what, said, expected) in cases {
                bed.say(said, of: bed.a)
                try await isOpen(expected, what)
            }
            bed.say(NetworkAllowlists(), of: bed.a)
            try await isOpen(true, "no list any more")
            await bed.network.podDetached(attached)
            try await bed.network.podAttached(bed.a2.attached)
        }

        @Test func `names mean what DNS has answered`() async throws {
            let (a1, a2, b1) = (bed.a1, bed.a2, bed.b1)
            let out = NetworkBed.outsideAddress
            let outside = try #require(IPAddress(out[...]))
            let forbidden = try ["10.251.0.1", b1.address, "169.254.169.254"].map { try #require(IPAddress($0[...])) }
            let resolver = try await FakeResolver(host: NetworkBed.hostAddress, port: 53) { query in
                let isAlias = query.name == DNSName("alias.example.org")
                var reply = DNSReply(.noError)
                let owner = isAlias ? DNSName("real.example.net") ?? query.name : query.name
                if isAlias { reply.answers = [DNSRecord(name: query.name, ttl: 1, data: .cname(owner))] }
                reply.answers += (forbidden + [outside]).map { DNSRecord(name: owner, ttl: 1, data: .a($0)) }
                return [reply.bytes(to: query, isDatagram: false)]
            }
            func resolve(_ pod: NetworkBed.Pod, _ name: String) async throws {
                let query = DNSQuery(id: 7, name: try #require(DNSName(name)), type: .a)
                let answer = try await pod.namespace.run {
                    let socket = try TestSocket(.udp, timeout: 3)
                    defer { socket.close() }
                    try socket.connect("10.96.0.10", 53)
                    try socket.send(query.bytes)
                    return try socket.receive()
                }
                #expect(UpstreamAnswer(answer, to: query)?.records.contains { $0.data == .a(outside) } == true)
            }
            func say(_ names: JSON) async throws {
                bed.say(lists(["egress": [["names": names, "ports": [["port": 8080]]]]]), of: bed.a)
                try await NetworkBed.eventually("the names are known") {
                    bed.network.keeper.names.patterns(of: bed.a.id) == Set(names.strings.compactMap { DomainPattern($0) })
                }
            }
            try await say(["git.example.org"])
            try await NetworkBed.eventually("nothing is known yet") { await !reaches(a1.namespace, out) }
            try await resolve(a1, "other.example.org")
            #expect(await reaches(a1.namespace, out) == false, "another name")
            try await resolve(b1, "git.example.org")
            #expect(await reaches(a1.namespace, out) == false, "another cluster's question")
            try await resolve(a2, "GIT.example.org")
            #expect(await reaches(a1.namespace, out), "the answer opens it for the cluster, as soon as it's given")
            #expect(await reaches(a1.namespace, out, 8_080, .udp) == false, "by that port only")
            #expect(await reaches(a1.namespace, b1.address) == false, "an answer opens no other cluster")
            let table = try await Rules.list(bed.configuration.table)
            // Whole seconds, of what was left when the kernel was told.
            #expect(["1m15s", "1m14s"].contains { table.contains("\(out) timeout \($0)") })
            #expect(!table.contains("169.254.169.254 timeout"))
            // What was learned stays with the name when the list changes.
            try await say(["*.example.org"])
            try await NetworkBed.eventually("learned under the former list") { await reaches(a1.namespace, out) }
            try await say(["*.example.net"])
            try await NetworkBed.eventually("a name that isn't in the list any more") { await !reaches(a1.namespace, out) }
            try await resolve(a1, "alias.example.org")
            #expect(await reaches(a1.namespace, out) == false, "the name that was asked for counts, not what it stands for")
            try await say(["alias.example.org"])
            try await resolve(a1, "alias.example.org")
            #expect(await reaches(a1.namespace, out), "an alias")
            bed.say(NetworkAllowlists(), of: bed.a)
            try await NetworkBed.eventually("no list any more") { await reaches(a1.namespace, out, 8_080, .udp) }
            try await resolver.close()
        }

        @Test func `a pod is bound before it's let in, and after the server has started again`() async throws {
            let out = NetworkBed.outsideAddress
            bed.say(lists(["egress": []]), of: bed.a)
            for pod in [bed.a1, bed.a2] {
                await bed.network.podDetached(pod.attached)
                try await bed.network.podAttached(pod.attached)
                #expect(await reaches(pod.namespace, out) == false)
            }
            // Another server takes over the table, with the lists as they are then.
            let other = bed.anotherNetwork()
            try await withThrowingTaskGroup { group in
                group.addTask { try await other.run() }
                group.addTask {
                    try await other.podAttached(bed.a1.attached)
                    #expect(await reaches(bed.a1.namespace, out) == false)
                    bed.said.lists.withLock { $0[bed.a.name] = nil }
                    other.allowlistsChanged()
                    try await NetworkBed.eventually("the other server has no list") { await reaches(bed.a1.namespace, out) }
                }
                try await group.next()
                group.cancelAll()
            }
            // Back to the first one, whose idea of the table is refused by the kernel and so built anew.
            try await LocalNetwork.removeAll(instance: bed.configuration.instance)
            bed.say(NetworkAllowlists(), of: bed.a)
        }
    }
}
