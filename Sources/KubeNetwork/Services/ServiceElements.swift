import KubeRegistry

/// Which elements of the rules' maps stand for a service: a pure function of the service and its endpoint slices.
enum ServiceElements {
    /// Past so many endpoints, a service port's further ones get no connections: a bound on what one tenant puts into the kernel.
    static let maximumEndpoints = 4_096

    /// - Parameters:
    ///   - holds: whether connections to ports of the host wait while there is no endpoint: the cluster sleeps, or wakes.
    ///   - nodePorts: whether, and in which range, the service may take ports of the host's own addresses.
    ///   - nodes: the names of this machine's nodes; nil when all endpoints count as here.
    ///   - families: of which pods have addresses.
    ///   - stickyNumber: the number of a port whose clients stay with their endpoints.
    static func of(
        _ service: ServiceFacts, slices: [SliceFacts], mark: ClusterMark, nodePorts: ClosedRange<UInt16>?,
        nodes: MachineNodes? = nil, families: [AddressFamily] = [.v4],
        holds: Bool = false, stickyNumber: (ServiceFacts.Port, AddressFamily) -> StickyNumber
    ) -> [Element] {
        service.ports.flatMap { port -> [Element] in
            let nodePort = port.nodePort.flatMap { nodePorts?.contains($0) == true ? $0 : nil }
            var elements: [Element] = []
            for family in families {
                let everywhere = endpoints(of: port, slices: slices, family: family)
                guard !everywhere.isEmpty else {
                    if holds, port.transport == .tcp, let nodePort, service.families.contains(family) {
                        elements.append(Element(.nodePorts, family, "tcp . \(nodePort)", .hold))
                    }
                    continue
                }
                let here =
                    service.isInternalLocal || service.isExternalLocal
                    ? endpoints(of: port, slices: slices, on: nodes, family: family) : everywhere
                elements += inside(service, port, everywhere, here, mark, family) { stickyNumber($0, family) }
                if let nodePort, service.families.contains(family) {
                    elements += outside(service, port, nodePort, service.isExternalLocal ? here : everywhere, family)
                }
            }
            // A port of the host is one service's, by addresses of either family.
            if let nodePort, elements.contains(where: { $0.key.set == .nodePorts }) {
                for family in families where !elements.contains(where: { $0.key.set == .nodePorts && $0.key.family == family }) {
                    elements.append(Element(.nodePorts, family, "\(port.transport.rawValue) . \(nodePort)", .nobody))
                }
            }
            return elements
        }
    }

    /// For the cluster's own pods. To external addresses the policy for traffic from outside doesn't apply when it comes from inside.
    private static func inside(
        _ service: ServiceFacts, _ port: ServiceFacts.Port, _ everywhere: [EndpointAddress], _ here: [EndpointAddress],
        _ mark: ClusterMark, _ family: AddressFamily, _ stickyNumber: (ServiceFacts.Port) -> StickyNumber
    ) -> [Element] {
        let addresses = service.addresses.filter { $0.family == family }
        func key(_ address: IPAddress) -> String { "\(mark) . \(address) . \(port.transport.rawValue) . \(port.number)" }
        var elements: [Element] = []
        if let seconds = service.stickySeconds {
            // One memory for all addresses of a service, so one choice of endpoints too.
            let endpoints = service.isInternalLocal ? here : everywhere
            guard !endpoints.isEmpty else { return addresses.map { Element(.services, family, key($0), .drop) } }
            guard !addresses.isEmpty else { return [] }
            let number = stickyNumber(port)
            let balancer = Balancer(count: endpoints.count, choice: .sticky(seconds: seconds), table: .services, family: family)
            for address in addresses {
                elements.append(Element(.services, family, key(address), .balancer(balancer)))
                elements.append(Element(.stickyPorts, family, key(address), .stickyPort(number)))
            }
            return elements + sticky(endpoints, "\(number)", .stickySlots, .stickyEndpoints, family)
        }
        for address in addresses {
            let isLocal = service.isInternalLocal && service.clusterAddresses.contains(address)
            elements += spread(isLocal ? here : everywhere, key(address), .services, family)
        }
        return elements
    }

    /// For whoever comes by a port of the host.
    private static func outside(
        _ service: ServiceFacts, _ port: ServiceFacts.Port, _ nodePort: UInt16, _ endpoints: [EndpointAddress],
        _ family: AddressFamily
    ) -> [Element] {
        let key = "\(port.transport.rawValue) . \(nodePort)"
        guard let seconds = service.stickySeconds, !endpoints.isEmpty else {
            return spread(endpoints, key, .nodePorts, family)
        }
        let balancer = Balancer(count: endpoints.count, choice: .sticky(seconds: seconds), table: .nodePorts, family: family)
        return [Element(.nodePorts, family, key, .balancer(balancer))]
            + sticky(endpoints, key, .nodeStickySlots, .nodeStickyEndpoints, family)
    }

    /// Connections to a port by chance; where there are endpoints, but none of them may be used, they get no answer (as from kube-proxy, which
    /// refuses only what has no endpoint anywhere).
    private static func spread(
        _ endpoints: [EndpointAddress], _ key: String, _ table: Balancer.Table, _ family: AddressFamily
    ) -> [Element] {
        let (ports, targets): (RuleSet, RuleSet) =
            table == .services ? (.services, .endpoints) : (.nodePorts, .nodeEndpoints)
        guard !endpoints.isEmpty else { return [Element(ports, family, key, .drop)] }
        let balancer = Balancer(count: endpoints.count, choice: .random, table: table, family: family)
        return [Element(ports, family, key, .balancer(balancer))]
            + endpoints.enumerated().map { slot, endpoint in
                Element(targets, family, "\(key) . \(slotText(slot))", .endpoint(endpoint))
            }
    }

    /// Endpoints have numbers that stay theirs whoever else comes and goes, so that clients can be remembered by them.
    private static func sticky(
        _ endpoints: [EndpointAddress], _ port: String, _ slots: RuleSet, _ targets: RuleSet, _ family: AddressFamily
    ) -> [Element] {
        var taken = Set<StickyNumber>()
        return endpoints.enumerated().flatMap { slot, endpoint in
            var number = StickyNumber(endpoint.address.digest &* 0x9E37_79B1 ^ UInt32(endpoint.port) &* 0x85EB_CA77)
            // All bits set is a value of its own to nft.
            while number.number == .max || !taken.insert(number).inserted { number = StickyNumber(number.number &+ 1) }
            return [
                Element(slots, family, "\(port) . \(slotText(slot))", .stickyEndpoint(number)),
                Element(targets, family, "\(port) . \(number.priority)", .endpoint(endpoint)),
            ]
        }
    }

    /// The ready endpoints of a port in a stable order; when there are none, those that terminate but still serve.
    /// - Parameters:
    ///   - nodes: only those that are known to be on one of them count; nil: all.
    ///   - family: only those of it count; nil: all.
    static func endpoints(
        of port: ServiceFacts.Port, slices: [SliceFacts], on nodes: MachineNodes? = nil, family: AddressFamily? = nil
    ) -> [EndpointAddress] {
        var ready = Set<EndpointAddress>()
        var terminating = Set<EndpointAddress>()
        for slice in slices {
            for target in slice.ports where target.name == port.name && target.transport == port.transport {
                for endpoint in slice.endpoints
                where (nodes.map { $0.contains(endpoint.nodeName ?? "") } ?? true)
                    && (family.map { $0 == endpoint.address.family } ?? true)
                {
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
