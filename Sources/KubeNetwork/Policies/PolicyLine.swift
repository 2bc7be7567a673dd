/// One rule of a policy as the kernel has it: what it says to the kernel, and which packets it lets pass. Both are made of the same parts, so
/// what is explained to people is what happens to packets.
struct PolicyLine: Sendable, Hashable {
    /// Who is at the other end.
    enum Peer: Sendable, Hashable {
        case anybody
        /// Those in a set, of pods or of others, which has this name in the kernel.
        case pods(PolicySet, name: String)
        case block(IPRange, except: [IPRange])
        /// The host, which answers for the API server and for DNS.
        case host(IPAddress)
    }

    enum Ports: Sendable, Hashable {
        case any
        case all(TransportProtocol)
        case ranges(TransportProtocol, [ClosedRange<UInt16>])
        /// What the receiving pods call so: a set of addresses with their ports, which has this name in the kernel.
        case named(PolicySet, name: String, TransportProtocol)
        /// By the ports to which the connection was opened, before it was led to a pod.
        case opened(TransportProtocol, [ClosedRange<UInt16>])
    }

    /// The first packet of a connection, as a rule sees it: its destination is a pod's by now, not a service's. Allowlists for what comes in go by
    /// the port to which it was opened.
    struct Packet: Sendable, Hashable {
        var source: IPAddress
        var destination: IPAddress
        var transport: TransportProtocol
        var port: UInt16
    }

    var direction: PolicyChain.Direction
    var peer: Peer
    var ports: Ports
    /// Which of its policy's rules in this direction it comes from.
    var index: Int
    /// The family of the addresses that it names; nil when it names none, so that it is for packets of any.
    var family: AddressFamily?

    private var side: String { direction == .incoming ? "saddr" : "daddr" }

    /// As `nft` reads it.
    var text: String { "\(condition)accept" }

    /// What must be so of a packet, and a space after it; empty for any packet.
    var condition: String {
        var parts: [String] = []
        let ip = (family ?? .v4).header
        switch peer {
        case .anybody: break
        case .pods(_, let name): parts.append("\(ip) \(side) @\(name)")
        case .block(let range, let except):
            parts.append("\(ip) \(side) \(range)")
            if !except.isEmpty { parts.append("\(ip) \(side) != { \(except.map(\.description).joined(separator: ", ")) }") }
        case .host(let address): parts.append("\(ip) \(side) \(address)")
        }
        switch ports {
        case .any: break
        case .all(let transport): parts.append("meta l4proto \(transport)")
        case .ranges(let transport, let ranges):
            let texts = Self.texts(ranges)
            // One that the host answers is one number.
            if case .host = peer {
                parts.append("\(transport) dport \(texts.joined())")
            } else {
                parts.append("\(transport) dport { \(texts.joined(separator: ", ")) }")
            }
        case .named(_, let name, let transport): parts.append("\(ip) daddr . \(transport) dport @\(name)")
        case .opened(let transport, let ranges):
            parts.append(
                "meta l4proto \(transport) ct original proto-dst { \(Self.texts(ranges).joined(separator: ", ")) }")
        }
        return parts.map { $0 + " " }.joined()
    }

    /// Whether packets of a family can be meant.
    func concerns(_ family: AddressFamily) -> Bool { self.family.map { $0 == family } ?? true }

    private static func texts(_ ranges: [ClosedRange<UInt16>]) -> [String] {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    }

    /// Whether it lets a packet pass.
    ///
    /// - Parameter contains: whether a set has an element.
    func lets(_ packet: Packet, contains: (PolicySet, String) -> Bool) -> Bool {
        guard concerns(packet.destination.family) else { return false }
        let other = direction == .incoming ? packet.source : packet.destination
        switch peer {
        case .anybody: break
        case .pods(let set, _): guard contains(set, "\(other)") else { return false }
        case .block(let range, let except):
            guard range.contains(other), !except.contains(where: { $0.contains(other) }) else { return false }
        case .host(let address): guard other == address else { return false }
        }
        switch ports {
        case .any: return true
        case .all(let transport): return packet.transport == transport
        case .ranges(let transport, let ranges), .opened(let transport, let ranges):
            return packet.transport == transport && ranges.contains { $0.contains(packet.port) }
        case .named(let set, _, let transport):
            return packet.transport == transport && contains(set, "\(packet.destination) . \(packet.port)")
        }
    }
}
