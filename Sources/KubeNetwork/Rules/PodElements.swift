/// Which elements stand for a pod, by one of its addresses.
enum PodElements {
    static func of(address: IPAddress, interface: InterfaceName, mark: ClusterMark, hostPorts: [HostPortFacts] = [])
        -> [Element]
    {
        let family = address.family
        return [
            Element(.interfaces, "\"\(interface)\""),
            Element(.pods, family, "\"\(interface)\" . \(address)", .mark(mark)),
            Element(.members, family, "\(mark) . \(address)"),
            Element(.hairpins, family, "\(address) . \(address)"),
        ] + hostPorts.compactMap { $0.element(to: address) }
    }
}

/// The name of a network interface, checked so that it can be written into a rule.
struct InterfaceName: Sendable, Hashable, CustomStringConvertible {
    let description: String

    /// - Returns: nil unless the text is one to fifteen letters, digits and `-_.@`.
    init?(_ text: String) {
        let isGood = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "@"):
                true
            default: false
            }
        }
        guard isGood, (1...15).contains(text.utf8.count) else { return nil }
        description = text
    }
}
