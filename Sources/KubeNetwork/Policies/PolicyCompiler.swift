import KubeObject

/// Turns a policy's rules into the kernel's. Pure; keys are made only from addresses, numbers and the names of our own sets, so that no
/// object's text reaches `nft`.
struct PolicyCompiler {
    /// The host's services for pods, which they reach by addresses that are translated before a rule sees the packet.
    struct HostServices: Sendable, Hashable {
        var gateway: IPv4Address
        var apiAddress: IPv4Address
        var apiPort: UInt16
        var dnsAddress: IPv4Address
        var dnsPort: UInt16
        /// The labels of the namespace in which DNS is said to be.
        var dnsNamespaceLabels: [String: String] = [:]

        static let dnsNamespace = "kube-system"
        static let dnsLabels = ["k8s-app": "kube-dns"]
        private static let dnsPortNames = [
            PolicyPod.PortName(name: "dns", transport: .udp), .init(name: "dns-tcp", transport: .tcp),
        ]

        /// What stands for DNS and the API server when these ports of theirs may be spoken to.
        func lines(_ ports: [PolicyFacts.Port]?, dns: Bool, api: Bool) -> [String] {
            var lines: [String] = []
            if dns {
                for name in Self.dnsPortNames where Self.allows(ports, name.transport, [53], name.name) {
                    lines.append("ip daddr \(gateway) \(name.transport) dport \(dnsPort)")
                }
            }
            if api, Self.allows(ports, .tcp, [443, apiPort], "https") {
                lines.append("ip daddr \(gateway) tcp dport \(apiPort)")
            }
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

    func incoming(_ rules: [PolicyFacts.Rule]) -> [String] {
        rules.flatMap { rule in
            let peers = self.peers(rule.peers, "saddr")
            let ports = self.ports(rule.ports)
            return peers.flatMap { peer in ports.map { Self.line([peer, $0]) } }
        }
    }

    func outgoing(_ rules: [PolicyFacts.Rule]) -> [String] {
        rules.flatMap { rule -> [String] in
            let conditions = peers(rule.peers, "daddr")
            let ports = self.ports(rule.ports)
            var lines = conditions.flatMap { peer in ports.map { Self.line([peer, $0]) } }
            guard let peers = rule.peers else {
                // Anybody, so them too, by what the ports are before translation.
                if rule.ports != nil { lines += host.lines(rule.ports, dns: true, api: true).map { Self.line([$0]) } }
                return lines
            }
            let isDNS = peers.contains { meansDNS($0) }
            let isAPI = peers.contains { means(host.apiAddress, $0) }
            return lines + host.lines(rule.ports, dns: isDNS, api: isAPI).map { Self.line([$0]) }
        }
    }

    private static func line(_ parts: [String]) -> String { (parts.filter { !$0.isEmpty } + ["accept"]).joined(separator: " ") }

    /// One condition for each; an empty one for anybody.
    private func peers(_ peers: [PolicyFacts.Peer]?, _ side: String) -> [String] {
        guard let peers else { return [""] }
        return peers.compactMap { peer in
            switch peer {
            case .pods(let selector): return "ip \(side) @\(nameOf(.peers(cluster: cluster, selector)))"
            case .block(let range, let except):
                let outer = Self.outermost(except)
                // Nothing is left of it.
                if outer.contains(where: { $0.prefixLength <= range.prefixLength && $0.contains(range.base) }) { return nil }
                let out = outer.filter { $0.overlaps(range) }.map(\.description)
                return "ip \(side) \(range)" + (out.isEmpty ? "" : " ip \(side) != { \(out.joined(separator: ", ")) }")
            }
        }
    }

    /// One condition for each protocol's numbers, and for each name; an empty one for any.
    private func ports(_ ports: [PolicyFacts.Port]?) -> [String] {
        guard let ports else { return [""] }
        var conditions: [String] = []
        for transport in [TransportProtocol.tcp, .udp, .sctp] {
            let own = ports.filter { $0.transport == transport }
            if own.contains(where: { $0.number == .any }) {
                conditions.append("meta l4proto \(transport)")
                continue
            }
            let ranges = Self.merged(own.compactMap { if case .range(let range) = $0.number { range } else { nil } })
            if !ranges.isEmpty {
                let texts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                conditions.append("\(transport) dport { \(texts.joined(separator: ", ")) }")
            }
            for case .named(let name) in Set(own.map(\.number)) {
                let set = nameOf(.ports(cluster: cluster, .init(name: name, transport: transport)))
                conditions.append("ip daddr . \(transport) dport @\(set)")
            }
        }
        return conditions
    }

    private func means(_ address: IPv4Address, _ peer: PolicyFacts.Peer) -> Bool {
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
    private static func outermost(_ ranges: [IPv4Range]) -> [IPv4Range] {
        var kept: [IPv4Range] = []
        for range in ranges.sorted(by: { $0.prefixLength < $1.prefixLength })
        where !kept.contains(where: { $0.contains(range.base) }) {
            kept.append(range)
        }
        return kept
    }
}
