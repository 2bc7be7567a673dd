import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeNetwork

extension Integration {
    /// What policies do to real packets.
    @Suite(
        .serialized, .enabled(if: NetworkBed.isPossible, "needs root, nft and ip (packages nftables and iproute2)"),
        NetworkBedTrait())
    struct PolicyTests {
        private let bed: NetworkBed

        init() throws { bed = try #require(NetworkBed.current) }

        private func policy(_ spec: String, _ name: String = "p") throws -> JSON {
            try #require(
                try YAML.parse(
                    Array(
                        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: \(name), namespace: default}, spec: {\(spec)}}"
                            .utf8)
                ).first)
        }

        /// Whether an answer comes.
        private func reaches(
            _ from: NetworkNamespace, _ address: String, _ port: UInt16 = 8_080, _ kind: TestSocket.Kind = .tcp
        ) async -> Bool {
            do { return try await NetworkBed.ask(from, kind, address, port, timeout: 0.3).contains(" sees ") } catch {
                return false
            }
        }

        /// Gives a pod labels. It was let in without, so it's first made without.
        private func label(_ name: String, _ labels: String, port: String = "") async throws {
            for labels in ["", labels] {
                try await bed.a.put(
                    #require(
                        try YAML.parse(
                            Array(
                                "{apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: default, uid: uid-\(name), labels: {\(labels)}}, spec: {containers: [{name: c, ports: [\(port)]}]}}"
                                    .utf8)
                        ).first))
            }
        }

        @Test func `what comes in`() async throws {
            let (a1, a2) = (bed.a1, bed.a2)
            try await label("a1", "app: client")
            try await label("a2", "app: web", port: "{name: web, containerPort: 8080}")
            try await NetworkBed.eventually("before there is a policy") { await reaches(a1.namespace, a2.address) }
            // The host probes, and a pod reaches itself, whatever the policies say.
            func isOpen(_ expected: Bool, _ what: String) async throws {
                try await NetworkBed.eventually(what) { await reaches(a1.namespace, a2.address) == expected }
                #expect(await reaches(a2.namespace, a1.address), "answers come back: \(what)")
                #expect(await reaches(bed.outside, a2.address) == false)
            }
            try await bed.a.put(policy("podSelector: {matchLabels: {app: web}}"))
            try await isOpen(false, "nothing is let in")
            #expect(try await NetworkBed.ask(nil, .tcp, a2.address, 8_080).hasPrefix("a2"))
            #expect(await reaches(a2.namespace, a2.address))
            #expect(await reaches(a1.namespace, a2.address, 8_080, .udp) == false)
            let cases = [
                ("by the pod's labels", "{from: [{podSelector: {matchLabels: {app: client}}}]}", true),
                ("by other labels", "{from: [{podSelector: {matchLabels: {app: other}}}]}", false),
                ("by the port", "{ports: [{port: 8080}]}", true),
                ("by another port", "{ports: [{port: 8081}]}", false),
                ("by a range of ports", "{ports: [{port: 8000, endPort: 9000}]}", true),
                ("by the port's name", "{ports: [{port: web}]}", true),
                ("by a name that no port has", "{ports: [{port: other}]}", false),
                ("by another protocol", "{ports: [{port: 8080, protocol: UDP}]}", false),
                ("by the address", "{from: [{ipBlock: {cidr: \(a1.address)/32}}]}", true),
                ("but not that address", "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [\(a1.address)/32]}}]}", false),
                ("by the namespace", "{from: [{namespaceSelector: {matchLabels: {team: a}}}]}", false),
            ]
            for (what, rule, expected) in cases {
                try await bed.a.put(policy("podSelector: {matchLabels: {app: web}}, ingress: [\(rule)]"))
                try await isOpen(expected, what)
            }
            // The namespace gets the labels that the last rule asks for.
            var namespace = Objects.namespace("default")
            namespace[path: "metadata", "labels"] = ["team": "a"]
            try await bed.a.put(namespace)
            try await isOpen(true, "by the namespace's new labels")
            // And the pod others.
            try await bed.a.put(
                policy("podSelector: {matchLabels: {app: web}}"),
                policy("podSelector: {}, policyTypes: [Egress], egress: [{}]", "q"))
            try await isOpen(false, "shut again")
            try await label("a2", "app: none")
            try await isOpen(true, "the pod isn't meant any more")
            try await bed.a.delete(policy("podSelector: {}"))
            try await bed.a.delete(policy("podSelector: {}", "q"))
            try await isOpen(true, "no policies")
        }

        @Test func `what goes out, through services too`() async throws {
            let (a1, a2) = (bed.a1, bed.a2)
            try await label("a1", "app: client")
            try await label("a2", "app: web", port: "{name: web, containerPort: 8080}")
            try await bed.a.put(
                Objects.service("web", address: "10.96.1.9"),
                Objects.slice(
                    of: "web", endpoints: [Objects.endpoint(a2.address)],
                    ports: [["name": "http", "port": 8080, "protocol": "TCP"]]))
            func isOpen(_ expected: Bool, _ what: String) async throws {
                try await NetworkBed.eventually("\(what): the pod") { await reaches(a1.namespace, a2.address) == expected }
                try await NetworkBed.eventually("\(what): its service") {
                    await reaches(a1.namespace, "10.96.1.9", 80) == expected
                }
                #expect(await reaches(a2.namespace, a1.address), "answers go back: \(what)")
            }
            try await isOpen(true, "no policies")
            let only = "podSelector: {matchLabels: {app: client}}, policyTypes: [Egress]"
            try await bed.a.put(policy(only))
            try await isOpen(false, "nothing is let out")
            #expect(await reaches(a1.namespace, NetworkBed.outsideAddress) == false)
            #expect(await reaches(a1.namespace, "10.96.0.1", 443) == false)
            try await bed.a.put(
                policy(only + ", egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: web}]}]"))
            try await isOpen(true, "to the pods, by the port that they listen on")
            #expect(await reaches(a1.namespace, NetworkBed.outsideAddress) == false)
            try await bed.a.put(policy(only + ", egress: [{to: [{ipBlock: {cidr: \(NetworkBed.outsideAddress)/32}}]}]"))
            try await isOpen(false, "to the outside only")
            #expect(await reaches(a1.namespace, NetworkBed.outsideAddress))
            try await bed.a.put(policy(only + ", egress: [{to: [{ipBlock: {cidr: 10.96.0.1/32}}], ports: [{port: 443}]}]"))
            try await isOpen(false, "to the API server only")
            #expect(await reaches(a1.namespace, "10.96.0.1", 443))
            try await bed.a.delete(policy(only))
            try await isOpen(true, "no policies again")
        }

        @Test func `a port of the host leads to its pod, from everywhere but another cluster`() async throws {
            let ports = [
                HostPort(number: 7_070, target: 8_080),
                HostPort(address: "127.0.0.1", transport: "UDP", number: 7_071, target: 8_080),
            ]
            var attached = bed.a2.attached
            attached.hostPorts = ports
            try await bed.network.podAttached(attached)
            #expect(await reaches(bed.outside, NetworkBed.hostAddress, 7_070))
            #expect(await reaches(bed.a1.namespace, NetworkBed.hostAddress, 7_070))
            #expect(await reaches(bed.a2.namespace, NetworkBed.hostAddress, 7_070))
            #expect(await reaches(bed.b1.namespace, NetworkBed.hostAddress, 7_070) == false)
            for (kind, address, port) in [
                (TestSocket.Kind.tcp, NetworkBed.hostAddress, UInt16(7_070)), (.tcp, "127.0.0.1", 7_070),
                (.udp, "127.0.0.1", 7_071),
            ] {
                #expect(try await NetworkBed.ask(nil, kind, address, port).hasPrefix("a2"), "\(address):\(port)")
            }
            #expect(await reaches(bed.outside, NetworkBed.hostAddress, 7_071, .udp) == false)
            // Nobody gets at what listens on the host's loopback only.
            #expect(await reaches(bed.a2.namespace, "127.0.0.1", bed.configuration.apiPort) == false)

            var other = bed.b1.attached
            other.hostPorts = ports
            await #expect(throws: HostPortTaken.self) { try await bed.network.podAttached(other) }
            try await bed.network.podAttached(bed.b1.attached)
            // Policies count for what comes from outside.
            try await label("a2", "app: web")
            try await bed.a.put(policy("podSelector: {matchLabels: {app: web}}"))
            try await NetworkBed.eventually("shut") { await !reaches(bed.outside, NetworkBed.hostAddress, 7_070) }
            try await bed.a.delete(policy("podSelector: {}"))
            await bed.network.podDetached(attached)
            try await bed.network.podAttached(bed.a2.attached)
            #expect(await reaches(bed.outside, NetworkBed.hostAddress, 7_070) == false)
        }

        @Test func `a connection goes on when the next one isn't let in any more`() async throws {
            let (a1, a2) = (bed.a1, bed.a2)
            // Another test may have let go of the pod's address: connections of those are forgotten a moment later.
            try await Task.sleep(for: .milliseconds(500))
            try await label("a1", "app: client")
            try await label("a2", "app: web")
            try await NetworkBed.eventually("the pod") { await reaches(a1.namespace, a2.address, 8_080, .udp) }
            let socket = try await a1.namespace.run {
                let socket = try TestSocket(.udp)
                try socket.connect(a2.address, 8_080)
                try socket.send([1])
                _ = try socket.receive()
                return socket
            }
            defer { socket.close() }
            try await bed.a.put(policy("podSelector: {matchLabels: {app: web}}"))
            try await NetworkBed.eventually("shut") { await !reaches(a1.namespace, a2.address, 8_080, .udp) }
            try socket.send([1])
            #expect(String(decoding: try socket.receive(), as: UTF8.self).hasPrefix("a2"))
            try await bed.a.delete(policy("podSelector: {}"))
        }
    }
}
