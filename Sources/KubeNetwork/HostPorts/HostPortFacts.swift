import KubeRegistry

/// A port of the host that leads to a pod, as rules have it.
struct HostPortFacts: Sendable, Hashable {
    /// Nil for all of the host's addresses.
    var address: IPv4Address?
    var transport: TransportProtocol
    var number: UInt16
    var target: UInt16

    /// - Returns: nil for one of an address that isn't IPv4: there is no other in the pod network.
    init?(_ port: HostPort) {
        guard let transport = TransportProtocol(api: port.transport) else { return nil }
        if port.address.isEmpty || port.address == "0.0.0.0" {
            address = nil
        } else {
            guard let address = IPv4Address(port.address) else { return nil }
            self.address = address
        }
        self.transport = transport
        number = port.number
        target = port.target
    }

    /// What stands for it in the kernel's table.
    func element(to pod: IPv4Address) -> Element {
        let endpoint = Element.Value.endpoint(EndpointAddress(address: pod, port: target))
        guard let address else { return Element(.hostPorts, "\(transport) . \(number)", endpoint) }
        return Element(.hostPortsAt, "\(address) . \(transport) . \(number)", endpoint)
    }

    var isLoopback: Bool { address.map { $0.number >> 24 == 127 } ?? true }
}
