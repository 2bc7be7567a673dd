import Foundation
import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeNetwork

extension Integration {
    /// What packets really do, on this machine's kernel: skipped by name where that can't be.
    @Suite(
        .serialized, .enabled(if: NetworkBed.isPossible, "needs root, nft and ip (packages nftables and iproute2)"),
        NetworkBedTrait())
    struct IsolationTests {
        private let bed: NetworkBed

        init() throws { bed = try #require(NetworkBed.current) }

        private func ask(_ pod: NetworkBed.Pod, _ kind: TestSocket.Kind, _ address: String, _ port: UInt16) async throws -> String
        {
            try await NetworkBed.ask(pod.namespace, kind, address, port)
        }

        private func slice(_ service: String, _ addresses: [String], port: JSON = 8_080, transport: JSON = "TCP") -> JSON {
            Objects.slice(
                of: service, endpoints: addresses.map { Objects.endpoint($0) },
                ports: [["name": "http", "port": port, "protocol": transport]])
        }

        @Test func `a service address leads to its own cluster's pods, in both clusters`() async throws {
            try await bed.a.put(Objects.service("same", address: "10.96.1.1"), slice("same", [bed.a2.address]))
            try await bed.b.put(Objects.service("same", address: "10.96.1.1"), slice("same", [bed.b1.address]))
            try await NetworkBed.eventually("cluster a's service") {
                try await ask(bed.a1, .tcp, "10.96.1.1", 80) == "a2 sees \(bed.a1.address)"
            }
            // A pod that reaches itself sees its router: its own address would be dropped as impossible.
            try await NetworkBed.eventually("cluster b's service") {
                try await ask(bed.b1, .tcp, "10.96.1.1", 80) == "b1 sees \(NetworkBed.net).1"
            }
        }

        @Test func `connections are spread over all endpoints`() async throws {
            try await bed.a.put(
                Objects.service("spread", address: "10.96.1.2"), slice("spread", [bed.a1.address, bed.a2.address]))
            var seen = Set<String>()
            try await NetworkBed.eventually("both endpoints") {
                try await ask(bed.a1, .tcp, "10.96.1.2", 80).hasPrefix("a")
            }
            for _ in 0..<64 where seen.count < 2 { seen.insert(try await ask(bed.a1, .tcp, "10.96.1.2", 80)) }
            #expect(seen == ["a1 sees \(NetworkBed.net).1", "a2 sees \(bed.a1.address)"])
        }

        @Test func `with session affinity a client stays where it is, until it's been away or its endpoint is gone`() async throws
        {
            func service(_ seconds: JSON) -> JSON {
                Objects.service(
                    "sticky", address: "10.96.1.3",
                    extra: ["sessionAffinity": "ClientIP", "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": seconds]]])
            }
            @Sendable func seen(_ count: Int) async throws -> Set<String> {
                var seen = Set<String>()
                for _ in 0..<count { seen.insert(String(try await ask(bed.a2, .tcp, "10.96.1.3", 80).prefix(2))) }
                return seen
            }
            try await bed.a.put(service(60), slice("sticky", [bed.a1.address]))
            try await NetworkBed.eventually("the service") { try await ask(bed.a2, .tcp, "10.96.1.3", 80).hasPrefix("a1") }
            // Another endpoint doesn't take the client away.
            try await bed.a.put(slice("sticky", [bed.a1.address, bed.a2.address]))
            try await NetworkBed.eventually("the second endpoint") {
                try await Rules.list(bed.configuration.table).contains("goto stick_2_60")
            }
            #expect(try await seen(20) == ["a1"])
            // Its own endpoint's end does.
            try await bed.a.put(slice("sticky", [bed.a2.address]))
            try await NetworkBed.eventually("the new endpoint") { try await seen(1) == ["a2"] }
            #expect(try await seen(20) == ["a2"])
            // And so does time, by chance.
            try await bed.a.put(service(1), slice("sticky", [bed.a1.address, bed.a2.address]))
            try await NetworkBed.eventually("the short time") {
                try await Rules.list(bed.configuration.table).contains("goto stick_2_1")
            }
            try await Task.sleep(for: .milliseconds(100))
            var all = try await seen(5)
            for _ in 0..<20 where all.count == 1 {
                try await Task.sleep(for: .milliseconds(1_200))
                let now = try await seen(5)
                #expect(now.count == 1)
                all.formUnion(now)
            }
            #expect(all == ["a1", "a2"])
            #expect(try await ask(bed.b1, .tcp, "10.96.1.3", 80) == "refused")
        }

        @Test func `a client of a node port stays where it is, until it's been away for as long as the service says`()
            async throws
        {
            func service(_ seconds: JSON) -> JSON {
                Objects.service(
                    "sticky-port", address: "10.96.1.40", ports: [["name": "http", "port": 80, "nodePort": 30_140]],
                    extra: [
                        "type": "NodePort", "sessionAffinity": "ClientIP",
                        "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": seconds]],
                    ])
            }
            @Sendable func seen(_ count: Int) async throws -> Set<String> {
                var seen = Set<String>()
                for _ in 0..<count {
                    seen.insert(
                        String(
                            try await NetworkBed.ask(bed.outside, .tcp, NetworkBed.hostAddress, 30_140).prefix(2)))
                }
                return seen
            }
            try await bed.a.put(service(60), slice("sticky-port", [bed.a1.address]))
            try await NetworkBed.eventually("the node port") { try await seen(1) == ["a1"] }
            try await bed.a.put(slice("sticky-port", [bed.a1.address, bed.a2.address]))
            try await NetworkBed.eventually("the second endpoint") {
                try await Rules.list(bed.configuration.table).contains("goto node_stick_2_60")
            }
            #expect(try await seen(20) == ["a1"])
            try await bed.a.put(slice("sticky-port", [bed.a2.address]))
            try await NetworkBed.eventually("the new endpoint") { try await seen(1) == ["a2"] }
            #expect(try await seen(20) == ["a2"])
            try await bed.a.put(service(1), slice("sticky-port", [bed.a1.address, bed.a2.address]))
            try await NetworkBed.eventually("the short time") {
                try await Rules.list(bed.configuration.table).contains("goto node_stick_2_1")
            }
            var all = try await seen(1)
            for _ in 0..<20 where all.count == 1 {
                try await Task.sleep(for: .milliseconds(1_200))
                let now = try await seen(5)
                #expect(now.count == 1)
                all.formUnion(now)
            }
            #expect(all == ["a1", "a2"])
        }

        @Test func `what may use endpoints of this node only gets no answer where none is here`() async throws {
            func service(_ policy: String) -> JSON {
                Objects.service(
                    "local", address: "10.96.1.41", ports: [["name": "http", "port": 80, "nodePort": 30_141]],
                    extra: [
                        "type": "NodePort", "internalTrafficPolicy": .string(policy), "externalTrafficPolicy": .string(policy),
                    ])
            }
            func slice(_ node: String) -> JSON {
                var endpoint = Objects.endpoint(bed.a2.address)
                endpoint["nodeName"] = .string(node)
                return Objects.slice(of: "local", endpoints: [endpoint])
            }
            @Sendable func seen() async throws -> [String] {
                let inside = try await ask(bed.a1, .tcp, "10.96.1.41", 80)
                let outside = try await NetworkBed.ask(bed.outside, .tcp, NetworkBed.hostAddress, 30_141)
                return [inside, outside].map { String($0.prefix(7)) }
            }
            try await bed.a.put(service("Cluster"), slice("elsewhere"))
            try await NetworkBed.eventually("everybody's") { try await seen() == ["a2 sees", "a2 sees"] }
            try await bed.a.put(service("Local"))
            try await NetworkBed.eventually("nobody's here") { try await seen() == ["silence", "silence"] }
            try await bed.a.put(slice("this-node"))
            try await NetworkBed.eventually("one that is here") { try await seen() == ["a2 sees", "a2 sees"] }
        }

        @Test func `a service without endpoints, or of another cluster, is refused at once`() async throws {
            try await bed.b.put(Objects.service("theirs", address: "10.96.1.4"), slice("theirs", [bed.b1.address]))
            try await bed.a.put(Objects.service("empty", address: "10.96.1.5"))
            try await NetworkBed.eventually("b's service") { try await ask(bed.b1, .tcp, "10.96.1.4", 80).hasPrefix("b1") }
            #expect(try await ask(bed.a1, .tcp, "10.96.1.4", 80) == "refused")
            // The kernel sends ICMP messages to one address once a second, and counts the redirects to a pod that reached itself.
            try await NetworkBed.eventually("a refused datagram") { try await ask(bed.a2, .udp, "10.96.1.4", 80) == "refused" }
            #expect(try await ask(bed.a1, .tcp, "10.96.1.5", 80) == "refused")
            #expect(try await ask(bed.b1, .tcp, "10.96.1.4", 81) == "refused")
        }

        @Test func `an endpoint slice that names another cluster's pod leads nowhere`() async throws {
            try await bed.a.put(
                Objects.service("thief", address: "10.96.1.6"), slice("thief", [bed.b1.address]),
                Objects.service("sentinel", address: "10.96.1.7"), slice("sentinel", [bed.a2.address]))
            try await NetworkBed.eventually("the rules") { try await ask(bed.a1, .tcp, "10.96.1.7", 80).hasPrefix("a2") }
            #expect(try await ask(bed.a1, .tcp, "10.96.1.6", 80) == "silence")
        }

        @Test func `pods of one cluster reach each other, and see who asks`() async throws {
            for kind in [TestSocket.Kind.tcp, .udp] {
                #expect(try await ask(bed.a1, kind, bed.a2.address, 8_080) == "a2 sees \(bed.a1.address)")
            }
        }

        @Test func `pods of two clusters don't reach each other`() async throws {
            for kind in [TestSocket.Kind.tcp, .udp] {
                #expect(try await ask(bed.a1, kind, bed.b1.address, 8_080) == "silence")
                #expect(try await ask(bed.b1, kind, bed.a1.address, 8_080) == "silence")
            }
        }

        @Test func `a pod reaches its API server, which sees the pod's address`() async throws {
            #expect(try await ask(bed.a1, .tcp, "10.96.0.1", 443) == "api sees \(bed.a1.address)")
            #expect(try await ask(bed.b1, .tcp, "10.96.0.1", 443) == "api sees \(bed.b1.address)")
        }

        @Test func `a pod reaches nothing else on the host, by no address`() async throws {
            let management = bed.configuration.apiPort + 2
            #expect(try await NetworkBed.ask(nil, .tcp, "127.0.0.1", management) == "management sees 127.0.0.1")
            for address in ["\(NetworkBed.net).1", NetworkBed.hostAddress] {
                for port in [management, bed.configuration.apiPort, bed.configuration.dnsPort] {
                    #expect(try await ask(bed.a1, .tcp, address, port) == "silence", "\(address):\(port)")
                }
                #expect(try await ask(bed.a1, .udp, address, bed.configuration.dnsPort) == "silence", "\(address)")
            }
        }

        @Test func `a pod doesn't reach the host by IPv6, not even by the cable's own addresses`() async throws {
            let port = bed.configuration.apiPort + 3
            let cable = "s\(NetworkBed.tag)extra"
            let namespace = try await NetworkBed.makePod("extra", "\(NetworkBed.net).31")
            // Addresses are tried out by the kernel before they can be used.
            try await Task.sleep(for: .seconds(2.5))
            let addresses = try String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)
            let number = try #require(addresses.split(separator: "\n").first { $0.hasSuffix(cable) }).prefix(32)
            let octets = stride(from: 0, to: 32, by: 2).compactMap { UInt8(number.dropFirst($0).prefix(2), radix: 16) }
            let witness = try TestSocket.six(timeout: 0.5)
            try witness.bindSix(port)
            let send: @Sendable () throws -> Void = {
                let socket = try TestSocket.six(timeout: 0.5)
                defer { socket.close() }
                try socket.sendSix([1], octets, port, scope: if_nametoindex("eth0"))
            }
            // Before it's a pod it could, which shows that the way is there.
            try await namespace.run(send)
            #expect(try witness.receive() == [1])
            let whose = PodAddress(cluster: bed.a.id, namespace: "default", name: "extra", uid: "extra")
            let pod = AttachedPod(pod: whose, ips: ["\(NetworkBed.net).31"], hostInterface: cable)
            try await bed.network.podAttached(pod)
            try await namespace.run(send)
            #expect(throws: SocketError.self) { try witness.receive() }
            witness.close()
            await bed.network.podDetached(pod)
            try await NetworkBed.removePod("extra")
        }

        @Test func `a pod doesn't reach the cloud's metadata address`() async throws {
            // The machine outside plays the metadata service, so that only the rules stand between.
            try await NetworkBed.ip("route add 169.254.169.254/32 via \(NetworkBed.outsideAddress)")
            try await NetworkBed.ip("-n \(bed.outside.name) address add 169.254.169.254/32 dev lo")
            #expect(try await NetworkBed.ask(nil, .tcp, "169.254.169.254", 8_080) == "out sees \(NetworkBed.hostAddress)")
            #expect(try await ask(bed.a1, .tcp, "169.254.169.254", 8_080) == "silence")
            try await NetworkBed.ip("route delete 169.254.169.254/32")
        }

        @Test func `a pod reaches the outside under the host's address, and isn't reached from there`() async throws {
            for kind in [TestSocket.Kind.tcp, .udp] {
                #expect(try await ask(bed.a1, kind, NetworkBed.outsideAddress, 8_080) == "out sees \(NetworkBed.hostAddress)")
                #expect(try await NetworkBed.ask(bed.outside, kind, bed.a1.address, 8_080) == "silence")
            }
            #expect(try await NetworkBed.ask(bed.outside, .udp, NetworkBed.hostAddress, bed.configuration.dnsPort) == "silence")
        }

        @Test func `the host reaches pods, as probes must`() async throws {
            for kind in [TestSocket.Kind.tcp, .udp] {
                #expect(try await NetworkBed.ask(nil, kind, bed.a1.address, 8_080) == "a1 sees \(NetworkBed.net).1")
            }
        }

        @Test func `a pod can't use an address that isn't its own`() async throws {
            for address in [bed.a2.address, bed.b1.address, "\(NetworkBed.net).99", "198.51.100.9"] {
                try await NetworkBed.ip("-n \(bed.a1.namespace.name) address add \(address)/32 dev eth0")
                // Answers couldn't come back; whether questions arrive is what counts.
                let witness = try await bed.outside.run { () -> TestSocket in
                    let socket = try TestSocket(.udp, timeout: 0.3)
                    try socket.bind("0.0.0.0", 9_999)
                    return socket
                }
                _ = try await NetworkBed.ask(
                    bed.a1.namespace, .udp, NetworkBed.outsideAddress, 9_999, source: address, timeout: 0.05)
                #expect(throws: SocketError.self, "\(address)") { try witness.receive() }
                _ = try await NetworkBed.ask(bed.a1.namespace, .udp, NetworkBed.outsideAddress, 9_999, timeout: 0.05)
                #expect(try witness.receive() == [1])
                witness.close()
                try await NetworkBed.ip("-n \(bed.a1.namespace.name) address delete \(address)/32 dev eth0")
            }
        }

        @Test func `nobody outside can pose as a pod`() async throws {
            try await NetworkBed.ip("-n \(bed.outside.name) address add \(bed.a2.address)/32 dev lo")
            let witness = try TestSocket(.udp, timeout: 0.3)
            try witness.bind("0.0.0.0", 9_998)
            _ = try await NetworkBed.ask(bed.outside, .udp, NetworkBed.hostAddress, 9_998, source: bed.a2.address, timeout: 0.05)
            #expect(throws: SocketError.self) { try witness.receive() }
            _ = try await NetworkBed.ask(bed.outside, .udp, NetworkBed.hostAddress, 9_998, timeout: 0.05)
            #expect(try witness.receive() == [1])
            witness.close()
            try await NetworkBed.ip("-n \(bed.outside.name) address delete \(bed.a2.address)/32 dev lo")
        }

        @Test func `a node port leads to the service from outside and from the host, with the client's address kept`()
            async throws
        {
            let port = UInt16.random(in: 30_000...32_767)
            try await bed.a.put(
                Objects.service(
                    "node", address: "10.96.1.8", ports: [["name": "http", "port": 80, "nodePort": .int(Int64(port))]],
                    extra: ["type": "NodePort"]), slice("node", [bed.a1.address]))
            try await NetworkBed.eventually("the node port") {
                try await NetworkBed.ask(bed.outside, .tcp, NetworkBed.hostAddress, port)
                    == "a1 sees \(NetworkBed.outsideAddress)"
            }
            #expect(try await NetworkBed.ask(nil, .tcp, NetworkBed.hostAddress, port) == "a1 sees \(NetworkBed.hostAddress)")
            #expect(try await ask(bed.a2, .tcp, NetworkBed.hostAddress, port) == "a1 sees \(bed.a2.address)")
            #expect(try await ask(bed.a1, .tcp, NetworkBed.hostAddress, port) == "a1 sees \(NetworkBed.net).1")
            #expect(try await ask(bed.b1, .tcp, NetworkBed.hostAddress, port) == "silence")
        }

        @Test func `datagrams of an old client find the new endpoint when theirs is gone`() async throws {
            let ports: [JSON] = [["name": "http", "port": 53, "protocol": "UDP"]]
            try await bed.a.put(
                Objects.service("names", address: "10.96.1.9", ports: ports),
                slice("names", [bed.a1.address], transport: "UDP"))
            try await NetworkBed.eventually("the first endpoint") { try await ask(bed.a2, .udp, "10.96.1.9", 53).hasPrefix("a1") }
            let client = try await bed.a2.namespace.run { () -> TestSocket in
                let socket = try TestSocket(.udp)
                try socket.connect("10.96.1.9", 53)
                return socket
            }
            try client.send([1])
            #expect(String(decoding: try client.receive(), as: UTF8.self).hasPrefix("a1"))
            try await bed.a.put(slice("names", [bed.a2.address], transport: "UDP"))
            try await NetworkBed.eventually("the second endpoint") {
                try await ask(bed.a1, .udp, "10.96.1.9", 53).hasPrefix("a2")
            }
            // The kernel's memory is put right just after the rules.
            try await NetworkBed.eventually("the old client") {
                try client.send([1])
                // A datagram that was under way may be lost with the way.
                do { return String(decoding: try client.receive(), as: UTF8.self).hasPrefix("a2") } catch is SocketError {
                    return false
                }
            }
            client.close()
        }

        @Test func `a pod that's gone leaves nothing, and its address nothing to the next`() async throws {
            let address = "\(NetworkBed.net).30"
            let old = PodAddress(cluster: bed.a.id, namespace: "default", name: "old", uid: "old")
            let cable = "s\(NetworkBed.tag)extra"
            var namespace = try await NetworkBed.makePod("extra", address)
            #expect(try await NetworkBed.ask(namespace, .tcp, "10.96.0.1", 443) == "silence")
            try await bed.network.podAttached(AttachedPod(pod: old, ips: [address], hostInterface: cable))
            #expect(try await NetworkBed.ask(namespace, .tcp, "10.96.0.1", 443) == "api sees \(address)")
            // A client in the same cluster that goes on sending to the old pod.
            let server = try await namespace.run { try EchoServer(name: "old", port: 8_080) }
            let client = try await bed.a1.namespace.run { () -> TestSocket in
                let socket = try TestSocket(.udp, timeout: 0.5)
                try socket.connect(address, 8_080)
                return socket
            }
            try client.send([1])
            #expect(try client.receive().starts(with: Array("old".utf8)))
            server.close()
            try await NetworkBed.removePod("extra")
            await bed.network.podDetached(AttachedPod(pod: old, ips: [address], hostInterface: cable))
            let rules = try await Rules.list(bed.configuration.table)
            #expect(!rules.contains(address) && !rules.contains(cable))

            namespace = try await NetworkBed.makePod("extra", address)
            let new = PodAddress(cluster: bed.b.id, namespace: "default", name: "new", uid: "new")
            try await bed.network.podAttached(AttachedPod(pod: new, ips: [address], hostInterface: cable))
            let next = try await namespace.run { try EchoServer(name: "new", port: 8_080) }
            #expect(try await ask(bed.b1, .udp, address, 8_080) == "new sees \(bed.b1.address)")
            try client.send([1])
            #expect(throws: SocketError.self) { try client.receive() }
            client.close()
            next.close()
            await bed.network.podDetached(AttachedPod(pod: new, ips: [address], hostInterface: cable))
            try await NetworkBed.removePod("extra")
        }

        @Test func `a restarted server takes over who was let in, and no connection breaks`() async throws {
            try await bed.a.put(Objects.service("lasting", address: "10.96.1.30"), slice("lasting", [bed.a2.address]))
            try await NetworkBed.eventually("the service") { try await ask(bed.a1, .tcp, "10.96.1.30", 80).hasPrefix("a2") }
            let client = try await bed.a1.namespace.run { () -> TestSocket in
                let socket = try TestSocket(.udp)
                try socket.connect(bed.a2.address, 8_080)
                return socket
            }
            defer { client.close() }
            let before = try await NFTables().admittedPods(bed.configuration.table)
            #expect(Set(before.map(\.address.description)) == Set(bed.pods.values.map(\.address)))
            // The table is the first server's; the second builds it anew from what it finds there.
            let other = bed.anotherNetwork()
            try await withThrowingTaskGroup { group in
                group.addTask { try await other.run() }
                group.addTask {
                    let dnsRule = "redirect to :\(bed.configuration.dnsPort + 5)"
                    try await NetworkBed.eventually("the second server's table") {
                        try await Rules.list(bed.configuration.table).contains(dnsRule)
                    }
                    #expect(try await ask(bed.a1, .tcp, "10.96.1.30", 80) == "a2 sees \(bed.a1.address)")
                    #expect(try await ask(bed.a1, .tcp, bed.b1.address, 8_080) == "silence")
                    for pod in bed.pods.values { try await other.podAttached(pod.attached) }
                    try client.send([1])
                    #expect(try client.receive().starts(with: Array("a2".utf8)))
                }
                try await group.next()
                group.cancelAll()
            }
            // Back to the first one, whose idea of the table is refused by the kernel and so built anew.
            try await LocalNetwork.removeAll(instance: bed.configuration.instance)
            try await bed.a.put(Objects.service("lasting", address: "10.96.1.31"))
            try await NetworkBed.eventually("the first server's table") {
                try await ask(bed.a1, .tcp, "10.96.1.31", 80) == "a2 sees \(bed.a1.address)"
            }
        }

        @Test(arguments: [1, 10])
        func `the kernel forgets connections, few or many kinds at once`(_ kinds: Int) async throws {
            let others = (1..<kinds).map { Conntrack.Filter(source: IPAddress(number: 0xC633_6400 + UInt32($0))) }
            for filter in [
                Conntrack.Filter(source: IPAddress(bed.a1.address[...])),
                Conntrack.Filter(answeredBy: IPAddress(bed.a2.address[...])),
                Conntrack.Filter(
                    destination: IPAddress(bed.a2.address[...]), transport: .udp, destinationPort: 8_080,
                    answeredBy: IPAddress(bed.a2.address[...])),
            ] {
                #expect(try await ask(bed.a1, .udp, bed.a2.address, 8_080).hasPrefix("a2"))
                let wrong = Conntrack.Filter(source: filter.source, destination: "198.51.100.1", answeredBy: filter.answeredBy)
                #expect(try Conntrack.forget(Set(others + [wrong])) == 0)
                #expect(try Conntrack.forget(Set(others + [filter])) >= 1)
                #expect(try Conntrack.forget(Set(others + [filter])) == 0)
            }
        }

        @Test func `two instances on one machine don't meet`() async throws {
            let net = "10.253.\(getpid() % 250)"
            let twin = bed.twin(net)
            let namespace = try await NetworkBed.makePod("twin", "\(net).9", net: net)
            let server = try await namespace.run { try EchoServer(name: "twin", port: 8_080) }
            // Of the same cluster of the same store even: what separates is the instance.
            let whose = PodAddress(cluster: bed.a.id, namespace: "default", name: "twin", uid: "twin")
            let pod = AttachedPod(pod: whose, ips: ["\(net).9"], hostInterface: "s\(NetworkBed.tag)twin")
            try await withThrowingTaskGroup { group in
                group.addTask { try await twin.run() }
                group.addTask {
                    try await twin.podAttached(pod)
                    // Each has its own API server at the same address.
                    #expect(try await NetworkBed.ask(namespace, .tcp, "10.96.0.1", 443) == "management sees \(net).9")
                    #expect(try await ask(bed.a1, .tcp, "10.96.0.1", 443) == "api sees \(bed.a1.address)")
                    for kind in [TestSocket.Kind.tcp, .udp] {
                        #expect(try await ask(bed.a1, kind, "\(net).9", 8_080) == "silence")
                        #expect(try await NetworkBed.ask(namespace, kind, bed.a1.address, 8_080) == "silence")
                    }
                    for address in ["\(net).1", "\(NetworkBed.net).1", NetworkBed.hostAddress] {
                        #expect(try await NetworkBed.ask(namespace, .tcp, address, bed.configuration.apiPort) == "silence")
                        #expect(try await ask(bed.a1, .tcp, address, bed.configuration.apiPort + 2) == "silence")
                        #expect(try await ask(bed.a1, .udp, address, bed.configuration.dnsPort + 6) == "silence")
                    }
                    #expect(
                        try await NetworkBed.ask(namespace, .tcp, NetworkBed.outsideAddress, 8_080)
                            == "out sees \(NetworkBed.hostAddress)")
                }
                try await group.next()
                group.cancelAll()
            }
            server.close()
            try await NetworkBed.removePod("twin")
            try await LocalNetwork.removeAll(instance: NetworkBed.tag + "-twin")
            #expect(try await ask(bed.a1, .tcp, bed.a2.address, 8_080) == "a2 sees \(bed.a1.address)")
        }

        /// Prints what letting a pod in costs.
        @Test func `letting pods in`() async throws {
            let cable = "s\(NetworkBed.tag)extra"
            let address = "\(NetworkBed.net).32"
            _ = try await NetworkBed.makePod("extra", address)
            let whose = PodAddress(cluster: bed.a.id, namespace: "default", name: "extra", uid: "extra")
            let pod = AttachedPod(pod: whose, ips: [address], hostInterface: cable)
            var costs: [Duration] = []
            for _ in 0..<20 {
                let begin = ContinuousClock.now
                try await bed.network.podAttached(pod)
                costs.append(ContinuousClock.now - begin)
                await bed.network.podDetached(pod)
            }
            let begin = ContinuousClock.now
            for _ in 0..<20 { try Conntrack.forget(Set(Conntrack.Filter.pod("198.51.100.200"))) }
            let forgetting = (ContinuousClock.now - begin) / 20
            costs.sort()
            print(
                "letting a pod in: median \(costs[10]), worst \(costs[19]), forgetting its connections behind its back \(forgetting)"
            )
            try await NetworkBed.removePod("extra")
        }

        /// Prints what a change costs; how fast a machine is proves nothing.
        @Test func `a change with 500 services in place`() async throws {
            let names = (0..<500).map { "many-\($0)" }
            try await NetworkBed.ip("link show lo")
            let begin = ContinuousClock.now
            for (index, name) in names.enumerated() {
                try await bed.a.put(
                    Objects.service(name, address: "10.98.\(index / 250).\(index % 250)"),
                    slice(name, [bed.a1.address, bed.a2.address]))
            }
            try await NetworkBed.eventually("the last of 500 services") {
                try await ask(bed.a1, .tcp, "10.98.1.249", 80).hasPrefix("a")
            }
            let all = ContinuousClock.now - begin
            var costs: [Duration] = []
            for round in 0..<20 {
                let begin = ContinuousClock.now
                try await bed.a.put(Objects.service("one-more", address: "10.99.0.\(round)"), slice("one-more", [bed.a2.address]))
                while try await ask(bed.a1, .tcp, "10.99.0.\(round)", 80) == "refused" {}
                costs.append(ContinuousClock.now - begin)
            }
            costs.sort()
            print(
                "500 services with two endpoints: in the kernel after \(all); one more, from commit to its first connection: "
                    + "median \(costs[10]), worst \(costs[19])")
        }

        @Test func `a pod asks for names of its own cluster`() async throws {
            try await bed.a.put(Objects.service("name", address: "10.96.1.20"))
            try await bed.b.put(Objects.service("name", address: "10.96.1.21"), Objects.service("secret", address: "10.96.1.22"))
            for isDatagram in [true, false] {
                #expect(try await lookUp("name.default.svc.cluster.local", bed.a1, isDatagram) == ["10.96.1.20"])
                #expect(try await lookUp("name.default.svc.cluster.local", bed.b1, isDatagram) == ["10.96.1.21"])
                #expect(try await lookUp("secret.default.svc.cluster.local", bed.a1, isDatagram) == ["NXDOMAIN"])
            }
        }

        private func lookUp(_ name: String, _ pod: NetworkBed.Pod, _ isDatagram: Bool) async throws -> [String] {
            let query = DNSQuery(id: 4_711, name: try #require(DNSName(name)), type: .a)
            let bytes = try await pod.namespace.run { () -> [UInt8] in
                let socket = try TestSocket(isDatagram ? .udp : .tcp)
                defer { socket.close() }
                try socket.connect("10.96.0.10", 53)
                try socket.send(isDatagram ? query.bytes : [0, UInt8(query.bytes.count)] + query.bytes)
                return isDatagram ? try socket.receive() : Array(try socket.receive().dropFirst(2))
            }
            let answer = try #require(UpstreamAnswer(bytes, to: query))
            guard answer.code == .noError else { return [answer.code == .nameError ? "NXDOMAIN" : "\(answer.code.number)"] }
            return answer.records.compactMap { if case .a(let address) = $0.data { address.description } else { nil } }
        }
    }
}
