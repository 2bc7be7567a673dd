/// What is asked about a service: all of it, one endpoint by its hostname, or one port by its name.
struct ServiceQuestion: Sendable, Hashable {
    /// Where an answer points to.
    struct Place: Sendable, Hashable {
        var address: IPAddress
        /// Nil for an endpoint without ports.
        var port: UInt16?
        /// The endpoint's own label; nil for the service itself.
        var hostname: String?
    }

    var service: ServiceName
    var hostname: String?
    var port: (name: String, transport: String)? {
        portName.map { ($0, transport ?? "") }
    }
    private var portName: String?
    private var transport: String?

    /// - Parameter labels: those before the service's: none, a hostname, or `_port` and `_protocol`.
    /// - Returns: nil for more labels than any name of a service has.
    init?(_ labels: ArraySlice<String>, _ service: ServiceName) {
        self.service = service
        switch labels.count {
        case 0: break
        case 1: hostname = labels[labels.startIndex]
        case 2:
            portName = Self.withoutUnderscore(labels[labels.startIndex])
            transport = Self.withoutUnderscore(labels[labels.startIndex + 1])
        default: return nil
        }
    }

    /// Where the service is, as far as it was asked for.
    func places(of service: NamedService, _ directory: some DNSDirectory) -> [Place] {
        if case .cluster(let addresses, let ports) = service, hostname == nil {
            // A service without ports can't be, but its address would be known all the same.
            let matching = ports.filter { matches($0.name, $0.transport) }
            return matching.flatMap { port in addresses.map { Place(address: $0, port: port.number) } }
        }
        var places: [Place] = []
        for slice in directory.slices(of: self.service) {
            for endpoint in slice.endpoints where endpoint.isReady {
                let hostname = endpoint.hostname ?? Self.hostname(for: endpoint.address)
                if let wanted = self.hostname, wanted != hostname.lowercased() { continue }
                if slice.ports.isEmpty {
                    if port == nil { places.append(Place(address: endpoint.address, hostname: hostname)) }
                } else {
                    for port in slice.ports where matches(port.name, port.transport) {
                        places.append(Place(address: endpoint.address, port: port.number, hostname: hostname))
                    }
                }
            }
        }
        return places
    }

    /// The label of an endpoint that has no hostname of its own.
    static func hostname(for address: IPAddress) -> String {
        let label = String(address.description.map { $0 == "." || $0 == ":" ? "-" : $0 })
        // As CoreDNS: no label may end in a dash.
        return label.hasSuffix("-") ? label + "0" : label
    }

    private func matches(_ name: String, _ transport: TransportProtocol) -> Bool {
        guard let port else { return true }
        return port.name == name.lowercased() && port.transport == transport.rawValue
    }

    private static func withoutUnderscore(_ label: String) -> String {
        label.hasPrefix("_") ? String(label.dropFirst()) : label
    }
}
