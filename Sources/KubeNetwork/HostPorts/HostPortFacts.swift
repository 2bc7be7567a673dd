import KubeRegistry

/// A port of the host that leads to a pod, as rules have it.
struct HostPortFacts: Sendable, Hashable {
    /// Nil for all of the host's addresses, or all of the family.
    var address: IPAddress?
    /// Nil for addresses of any.
    var family: AddressFamily?
    var transport: TransportProtocol
    var number: UInt16
    var target: UInt16

    /// - Parameter families: of which pods have addresses.
    /// - Returns: nil for one of an address of another family.
    init?(_ port: HostPort, families: [AddressFamily] = [.v4]) {
        guard let transport = TransportProtocol(api: port.transport) else { return nil }
        if port.address.isEmpty {
            family = families.count == 1 ? families[0] : nil
        } else {
            guard let address = IPAddress(port.address), families.contains(address.family) else { return nil }
            family = address.family
            if !address.isUnspecified { self.address = address }
        }
        self.transport = transport
        number = port.number
        target = port.target
    }

    /// Whether it leads to a pod by this address of the pod's.
    func leads(to pod: IPAddress) -> Bool { family.map { $0 == pod.family } ?? true }

    /// What stands for it in the kernel's table; nil when it doesn't lead to this address of the pod's.
    func element(to pod: IPAddress) -> Element? {
        guard leads(to: pod) else { return nil }
        let endpoint = Element.Value.endpoint(EndpointAddress(address: pod, port: target))
        guard let address else { return Element(.hostPorts, pod.family, "\(transport) . \(number)", endpoint) }
        return Element(.hostPortsAt, pod.family, "\(address) . \(transport) . \(number)", endpoint)
    }

    /// Whether it is on `127.0.0.1`, perhaps among others.
    var isLoopback: Bool { family != .v6 && (address?.isLoopback ?? true) }
}
