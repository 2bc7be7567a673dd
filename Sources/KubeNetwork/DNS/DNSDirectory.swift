/// What DNS asks of a cluster's state.
protocol DNSDirectory: Sendable {
    /// Grows with every change.
    var revision: UInt64 { get }
    func hasNamespace(_ name: String) -> Bool
    func service(_ name: ServiceName) -> NamedService?
    func slices(of name: ServiceName) -> [SliceFacts]
    /// The service with this cluster address.
    func service(at address: IPAddress) -> ServiceName?
    /// The ready endpoints with this address, and the services that they are of.
    func endpoints(at address: IPAddress) -> [(service: ServiceName, endpoint: SliceFacts.Endpoint)]
}

/// What of a Service its names say.
enum NamedService: Sendable, Hashable {
    case cluster(addresses: [IPAddress], ports: [ServiceFacts.Port])
    case headless
    /// `spec.externalName`, as written.
    case external(String)
}
