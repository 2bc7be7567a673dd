import KubeObject

/// Turns a policy's rules into the kernel's. Pure; keys are made only from addresses, numbers and the names of our own sets, so that no
/// object's text reaches `nft`.
struct PolicyCompiler {
    /// The host's services for pods, which they reach by addresses that are translated before a rule sees the packet.
    struct HostServices: Sendable, Hashable {
        var gateway: IPAddress
        var apiAddress: IPAddress
        var apiPort: UInt16
        var dnsAddress: IPAddress
        var dnsPort: UInt16
        /// Of which pods have addresses.
        var families: [AddressFamily] = [.v4]
        /// The labels of the namespace in which DNS is said to be.
        var dnsNamespaceLabels: [String: String] = [:]

        static let dnsNamespace = "kube-system"
        static let dnsLabels = ["k8s-app": "kube-dns"]
        private static let dnsPortNames = [
            PolicyPod.PortName(name: "dns", transport: .udp), .init(name: "dns-tcp", transport: .tcp),
        ]

        /// What stands for DNS and the API server when these ports of theirs may be spoken to.
        func lines(_ ports: [PolicyFacts.Port]?, dns: Bool, api: Bool, index: Int) -> [PolicyLine] {
            func line(_ transport: TransportProtocol, _ port: UInt16) -> PolicyLine {
                PolicyLine(
                    direction: .outgoing, peer: .host(gateway), ports: .ranges(transport, [port...port]), index: index,
                    family: gateway.family)
            }
            var lines: [PolicyLine] = []
            if dns {
                for name in Self.dnsPortNames where Self.allows(ports, name.transport, [53], name.name) {
                    lines.append(line(name.transport, dnsPort))
                }
            }
            if api, Self.allows(ports, .tcp, [443, apiPort], "https") { lines.append(line(.tcp, apiPort)) }
            return lines
        }

        private static func allows(
            _ ports: [PolicyFacts.Port]?, _ transport: TransportProtocol, _ numbers: [UInt16], _ name: String
        ) -> Bool {
            guard let ports else { return true }
            return ports.contains { port in
                guard port.transport == transport else { return false }
                switch port.number {
                case .any: return true
                case .range(let range): return numbers.contains(where: range.contains)
                case .named(let other): return other == name
                }
            }
        }
    }

    /// More rules than this, of all policies that are for a pod, aren't set: the pod is shut instead.
    static let limit = 4096

    let cluster: Int64
    let host: HostServices
    /// The name of a set, which is made if need be.
    let nameOf: (PolicySet) -> String

    func incoming(_ rules: [PolicyFacts.Rule]) -> [PolicyLine] {
        rules.enumerated().flatMap { lines($1, $0, .incoming) }
    }

    func outgoing(_ rules: [PolicyFacts.Rule]) -> [PolicyLine] {
        rules.enumerated().flatMap { index, rule -> [PolicyLine] in
            let lines = lines(rule, index, .outgoing)
            guard let peers = rule.peers else {
                // Anybody, so them too, by what the ports are before translation.
                return rule.ports == nil ? lines : lines + host.lines(rule.ports, dns: true, api: true, index: index)
            }
            let isDNS = peers.contains { meansDNS($0) }
            let isAPI = peers.contains { means(host.apiAddress, $0) }
            return lines + host.lines(rule.ports, dns: isDNS, api: isAPI, index: index)
        }
    }

    func lines(_ rule: PolicyFacts.Rule, _ index: Int, _ direction: PolicyChain.Direction) -> [PolicyLine] {
        let peers = self.peers(rule.peers)
        let ports = self.ports(rule.ports)
        return peers.flatMap { peer in
            ports.compactMap { port in
                // A packet has addresses of one family.
                if let one = peer.family, let other = port.family, one != other { return nil }
                return PolicyLine(
                    direction: direction, peer: peer.value, ports: port.value, index: index, family: peer.family ?? port.family)
            }
        }
    }

    /// A part of a rule, with the family of the addresses that it names.
    private typealias Part<Value> = (value: Value, family: AddressFamily?)

    private func peers(_ peers: [PolicyFacts.Peer]?) -> [Part<PolicyLine.Peer>] {
        guard let peers else { return [(.anybody, nil)] }
        func sets(_ make: (AddressFamily) -> PolicySet) -> [Part<PolicyLine.Peer>] {
            host.families.map { family in
                let set = make(family)
                return (.pods(set, name: nameOf(set)), family)
            }
        }
        return peers.flatMap { peer -> [Part<PolicyLine.Peer>] in
            switch peer {
            case .pods(let selector): return sets { .peers(cluster: cluster, selector, $0) }
            case .names(let patterns): return sets { .answers(cluster: cluster, patterns, $0) }
            case .block(let range, let except):
                guard host.families.contains(range.family) else { return [] }
                let outer = Self.outermost(except)
                // Nothing is left of it.
                if outer.contains(where: { $0.prefixLength <= range.prefixLength && $0.contains(range.base) }) { return [] }
                return [(.block(range, except: outer.filter { $0.overlaps(range) }), range.family)]
            }
        }
    }

    /// One for each protocol's numbers, and for each name.
    private func ports(_ ports: [PolicyFacts.Port]?) -> [Part<PolicyLine.Ports>] {
        guard let ports else { return [(.any, nil)] }
        var conditions: [Part<PolicyLine.Ports>] = []
        for transport in [TransportProtocol.tcp, .udp, .sctp] {
            let own = ports.filter { $0.transport == transport }
            if own.contains(where: { $0.number == .any }) {
                conditions.append((.all(transport), nil))
                continue
            }
            let ranges = Self.merged(own.compactMap { if case .range(let range) = $0.number { range } else { nil } })
            if !ranges.isEmpty { conditions.append((.ranges(transport, ranges), nil)) }
            for case .named(let name) in Set(own.map(\.number)) {
                for family in host.families {
                    let set = PolicySet.ports(cluster: cluster, .init(name: name, transport: transport), family)
                    conditions.append((.named(set, name: nameOf(set), transport), family))
                }
            }
        }
        return conditions
    }

    private func means(_ address: IPAddress, _ peer: PolicyFacts.Peer) -> Bool {
        guard case .block(let range, let except) = peer else { return false }
        return range.contains(address) && !except.contains { $0.contains(address) }
    }

    private func meansDNS(_ peer: PolicyFacts.Peer) -> Bool {
        guard case .pods(let selector) = peer else { return means(host.dnsAddress, peer) }
        return selector.matches(
            namespace: HostServices.dnsNamespace, labels: host.dnsNamespaceLabels, podLabels: HostServices.dnsLabels)
    }

    /// The kernel takes no ranges that overlap in one set.
    static func merged(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
        var merged: [ClosedRange<UInt16>] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// Those that lie in none of the others.
    private static func outermost(_ ranges: [IPRange]) -> [IPRange] {
        var kept: [IPRange] = []
        for range in ranges.sorted(by: { $0.prefixLength < $1.prefixLength })
        where !kept.contains(where: { $0.contains(range.base) }) {
            kept.append(range)
        }
        return kept
    }
}
