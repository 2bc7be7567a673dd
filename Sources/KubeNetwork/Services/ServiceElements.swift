/// Which elements of the rules' maps stand for a service: a pure function of the service and its endpoint slices.
enum ServiceElements {
    /// Past so many endpoints, a service port's further ones get no connections: a bound on what one tenant puts into the kernel.
    static let maximumEndpoints = 4_096

    /// - Parameters:
    ///   - holds: whether connections to ports of the host wait while there is no endpoint: the cluster sleeps, or wakes.
    ///   - nodePorts: whether, and in which range, the service may take ports of the host's own addresses.
    ///   - stickyNumber: the number of a port whose clients stay with their endpoints.
    static func of(
        _ service: ServiceFacts, slices: [SliceFacts], mark: ClusterMark, nodePorts: ClosedRange<UInt16>?, holds: Bool = false,
        stickyNumber: (ServiceFacts.Port) -> StickyNumber
    ) -> [Element] {
        var elements: [Element] = []
        for port in service.ports {
            let endpoints = self.endpoints(of: port, slices: slices)
            guard !endpoints.isEmpty else {
                if holds, port.transport == .tcp, let nodePort = port.nodePort, nodePorts?.contains(nodePort) == true {
                    elements.append(Element(.nodePorts, "tcp . \(nodePort)", .hold))
                }
                continue
            }
            let keys = service.addresses.map { "\(mark) . \($0) . \(port.transport.rawValue) . \(port.number)" }
            if let seconds = service.stickySeconds {
                let number = stickyNumber(port)
                let balancer = Balancer(count: endpoints.count, choice: .sticky(seconds: seconds), table: .services)
                for key in keys {
                    elements.append(Element(.services, key, .balancer(balancer)))
                    elements.append(Element(.stickyPorts, key, .stickyPort(number)))
                }
                elements += sticky(endpoints, number)
            } else {
                for key in keys {
                    elements += spread(
                        endpoints, key, Balancer(count: endpoints.count, choice: .random, table: .services), .services, .endpoints
                    )
                }
            }
            guard let nodePort = port.nodePort, let nodePorts, nodePorts.contains(nodePort) else { continue }
            let choice: Balancer.Choice = service.stickySeconds == nil ? .random : .hash
            elements += spread(
                endpoints, "\(port.transport.rawValue) . \(nodePort)",
                Balancer(count: endpoints.count, choice: choice, table: .nodePorts), .nodePorts, .nodeEndpoints)
        }
        return elements
    }

    private static func spread(
        _ endpoints: [EndpointAddress], _ key: String, _ balancer: Balancer, _ ports: RuleSet, _ targets: RuleSet
    ) -> [Element] {
        [Element(ports, key, .balancer(balancer))]
            + endpoints.enumerated().map { slot, endpoint in
                Element(targets, "\(key) . \(slotText(slot))", .endpoint(endpoint))
            }
    }

    /// Endpoints have numbers that stay theirs whoever else comes and goes, so that clients can be remembered by them.
    private static func sticky(_ endpoints: [EndpointAddress], _ port: StickyNumber) -> [Element] {
        var taken = Set<StickyNumber>()
        return endpoints.enumerated().flatMap { slot, endpoint in
            var number = StickyNumber(endpoint.address.number &* 0x9E37_79B1 ^ UInt32(endpoint.port) &* 0x85EB_CA77)
            // All bits set is a value of its own to nft.
            while number.number == .max || !taken.insert(number).inserted { number = StickyNumber(number.number &+ 1) }
            return [
                Element(.stickySlots, "\(port) . \(slotText(slot))", .stickyEndpoint(number)),
                Element(.stickyEndpoints, "\(port) . \(number.priority)", .endpoint(endpoint)),
            ]
        }
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
