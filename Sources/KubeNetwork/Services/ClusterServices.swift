import KubeObject
import KubeStore

/// The services of one cluster that has pods here: which endpoint slices belong to which service. Facts are read from the
/// cluster's snapshot when they're needed; nothing of them is kept.
struct ClusterServices: Sendable {
    static let servicePrefix = Key.prefix(group: "core", plural: "services")
    static let slicePrefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices")
    /// The label by which a slice names its service.
    static let serviceNameLabel = "kubernetes.io/service-name"

    private var slices: [ServiceName: Set<String>] = [:]
    private var services: [String: ServiceName] = [:]

    /// Takes in a whole cluster.
    /// - Returns: all its services.
    mutating func load(_ snapshot: Snapshot) -> [ServiceName] {
        for slice in snapshot.list(prefix: Self.slicePrefix) { _ = note(ServiceChange(slice: slice.metadata)) }
        return snapshot.list(prefix: Self.servicePrefix).map {
            ServiceName(namespace: $0.metadata.namespace, name: $0.metadata.name)
        }
    }

    /// Takes in a change.
    /// - Returns: the services that it may have changed.
    mutating func note(_ change: ServiceChange) -> Set<ServiceName> {
        guard let slice = change.slice else { return change.service.map { [$0] } ?? [] }
        let key = "\(slice.namespace)/\(slice.name)"
        let before = services[key]
        if before != change.service {
            if let before {
                slices[before]?.remove(slice.name)
                if slices[before]?.isEmpty == true { slices[before] = nil }
            }
            services[key] = change.service
        }
        if let now = change.service { slices[now, default: []].insert(slice.name) }
        return Set([before, change.service].compactMap { $0 })
    }

    /// A service and its slices as they are in a snapshot.
    func facts(of name: ServiceName, _ snapshot: Snapshot) -> (service: ServiceFacts?, slices: [SliceFacts]) {
        let key = Key(group: "core", plural: "services", namespace: name.namespace, name: name.name)
        guard let object = snapshot.get(key), let service = ServiceFacts(object.tree) else { return (nil, []) }
        let facts = (slices[name] ?? []).sorted().compactMap { slice -> SliceFacts? in
            let key = Key(group: "discovery.k8s.io", plural: "endpointslices", namespace: name.namespace, name: slice)
            return snapshot.get(key).flatMap { SliceFacts($0.tree) }
        }
        return (service, facts)
    }
}

/// A change in a cluster's services, as light as it can be: what is true now is read from the snapshot.
struct ServiceChange: Sendable, Hashable {
    /// The slice that changed; nil when it was the service itself.
    var slice: ServiceName?
    /// The service that changed, or the slice's service now; nil when the slice is gone or has none.
    var service: ServiceName?

    init(service: ServiceName) {
        self.service = service
    }

    init(slice: Metadata, isGone: Bool = false) {
        self.slice = ServiceName(namespace: slice.namespace, name: slice.name)
        let name = isGone ? nil : slice.labels[ClusterServices.serviceNameLabel]
        service = name.flatMap { $0.isEmpty ? nil : ServiceName(namespace: slice.namespace, name: $0) }
    }

    /// - Returns: nil for a change of something else.
    init?(_ event: Event) {
        let text = event.key.text
        if text.hasPrefix(ClusterServices.slicePrefix) {
            self.init(slice: event.object.metadata, isGone: event.type == .deleted)
        } else if text.hasPrefix(ClusterServices.servicePrefix) {
            self.init(
                service: ServiceName(namespace: event.object.metadata.namespace, name: event.object.metadata.name))
        } else {
            return nil
        }
    }
}
