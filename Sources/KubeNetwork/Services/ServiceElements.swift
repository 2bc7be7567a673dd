/// Which elements of the rules' maps stand for a service: a pure function of the service and its endpoint slices.
enum ServiceElements {
    /// Past so many endpoints, a service port's further ones get no connections: a bound on what one tenant puts into the kernel.
    static let maximumEndpoints = 4_096

    /// - Parameter nodePorts: whether, and in which range, the service may take ports of the host's own addresses.
    static func of(
        _ service: ServiceFacts, slices: [SliceFacts], mark: ClusterMark, nodePorts: ClosedRange<UInt16>?
    ) -> [Element] {
        var elements: [Element] = []
        for port in service.ports {
            let endpoints = self.endpoints(of: port, slices: slices)
            guard !endpoints.isEmpty else { continue }
            for address in service.addresses {
                let key = "\(mark) . \(address) . \(port.transport.rawValue) . \(port.number)"
                elements.append(
                    Element(
                        .services, key,
                        .balancer(Balancer(count: endpoints.count, isSticky: service.isSticky, table: .services))))
                for (slot, endpoint) in endpoints.enumerated() {
                    elements.append(Element(.endpoints, "\(key) . \(slotText(slot))", .endpoint(endpoint)))
                }
            }
            guard let nodePort = port.nodePort, let nodePorts, nodePorts.contains(nodePort) else { continue }
            let key = "\(port.transport.rawValue) . \(nodePort)"
            elements.append(
                Element(
                    .nodePorts, key,
                    .balancer(Balancer(count: endpoints.count, isSticky: service.isSticky, table: .nodePorts))))
            for (slot, endpoint) in endpoints.enumerated() {
                elements.append(Element(.nodeEndpoints, "\(key) . \(slotText(slot))", .endpoint(endpoint)))
            }
        }
        return elements
    }

    /// The ready endpoints of a port in a stable order; when there are none, those that terminate but still serve.
    static func endpoints(of port: ServiceFacts.Port, slices: [SliceFacts]) -> [EndpointAddress] {
        var ready = Set<EndpointAddress>()
        var terminating = Set<EndpointAddress>()
        for slice in slices {
            for target in slice.ports where target.name == port.name && target.transport == port.transport {
                for endpoint in slice.endpoints {
                    let address = EndpointAddress(address: endpoint.address, port: target.number)
                    if endpoint.isReady {
                        ready.insert(address)
                    } else if endpoint.isServingWhileTerminating {
                        terminating.insert(address)
                    }
                }
            }
        }
        return Array((ready.isEmpty ? terminating : ready).sorted().prefix(maximumEndpoints))
    }

    /// A slot number as an element key: the kernel's packet priority, which `nft` spells as a traffic class.
    private static func slotText(_ slot: Int) -> String { "0:" + String(slot, radix: 16) }
}
