public import KubeObject
import KubeSchema
public import KubeStore

/// Finds out whether extension API servers can be reached, and says so in their APIService's condition `Available`.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/
public struct APIServiceReconciler: Reconciler {
    /// Asks the server behind an APIService; returns what was wrong, or nil.
    public typealias Probe = @Sendable (_ service: Object, LogicalCluster) async -> String?

    /// How often one that answers is asked again, as upstream, and one that doesn't.
    static let period = Duration.seconds(30)
    static let failurePeriod = Duration.seconds(5)

    private let probe: Probe

    public init(probe: @escaping Probe) { self.probe = probe }

    public var name: String { "apiservice-status-available-controller" }
    /// A server that sleeps is as it was: whoever asks for it wakes it.
    public var restsWithCluster: Bool { true }
    public var watched: [String] {
        [Key.prefix(Resources.apiServices), Key.prefix(Resources.services), Key.prefix(Resources.endpointSlices)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        switch event.object.kind {
        case "APIService":
            let isRemote = event.object.tree[path: "spec", "service"]?.object != nil
            return event.type != .deleted && isRemote ? [ObjectName(name: metadata.name)] : []
        case "Service": return self.behind(metadata.name, metadata.namespace, cluster)
        default:
            guard let service = metadata.labels["kubernetes.io/service-name"] else { return [] }
            return self.behind(service, metadata.namespace, cluster)
        }
    }

    /// The APIServices that a service stands behind.
    private func behind(_ service: String, _ namespace: String, _ cluster: LogicalCluster) -> [ObjectName] {
        cluster.snapshot.list(prefix: Key.prefix(Resources.apiServices)).filter { object in
            let reference = object.tree[path: "spec", "service"]
            return reference?["name"]?.string == service && reference?["namespace"]?.string == namespace
        }.map { ObjectName(name: $0.metadata.name) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(Resources.apiServices),
            let reference = object.tree[path: "spec", "service"], reference.object != nil
        else { return .done }
        let namespace = reference["namespace"]?.string ?? ""
        let name = reference["name"]?.string ?? ""
        let slices = work.snapshot.list(prefix: Key.prefix(Resources.endpointSlices, namespace: namespace)).filter {
            $0.metadata.labels["kubernetes.io/service-name"] == name
        }
        var finding = APIServiceAvailability.check(
            reference, service: work.snapshot.get(Key(Resources.services, namespace: namespace, name: name))?.tree,
            slices: slices.map(\.tree))
        if finding == nil, let failure = await self.probe(object, work.cluster) {
            finding = .init(reason: "FailedDiscoveryCheck", message: failure)
        }
        var status = object.tree["status"] ?? [:]
        var conditions = [Condition](of: status)
        conditions.update(
            Condition(
                "Available", finding == nil ? .true : .false, reason: finding?.reason ?? "Passed",
                message: finding?.message ?? "all checks passed", lastTransitionTime: Timestamp.format(work.now)))
        status["conditions"] = conditions.tree
        try await work.writeStatus(status, of: object, Resources.apiServices)
        return Outcome(after: finding == nil ? Self.period : Self.failurePeriod)
    }
}

/// What can be said of an APIService's service without asking it.
struct APIServiceAvailability: Equatable {
    var reason: String
    var message: String

    /// Nil when it is worth asking.
    /// - Parameter reference: `spec.service` of the APIService.
    static func check(_ reference: JSON, service: JSON?, slices: [JSON]) -> APIServiceAvailability? {
        let place = "service/\(reference["name"]?.string ?? "") in \"\(reference["namespace"]?.string ?? "")\""
        guard let service else {
            return Self(reason: "ServiceNotFound", message: "\(place) is not present")
        }
        guard service[path: "spec", "type"]?.string ?? "ClusterIP" == "ClusterIP" else { return nil }
        let number = reference["port"]?.int ?? 443
        guard let port = (service[path: "spec", "ports"]?.elements ?? []).first(where: { $0["port"]?.int == number }) else {
            return Self(reason: "ServicePortError", message: "\(place) is not listening on port \(number)")
        }
        guard !slices.isEmpty else {
            return Self(reason: "EndpointsNotFound", message: "cannot find endpointslices for \(place)")
        }
        let portName = port["name"]?.string ?? ""
        let isActive = slices.contains { slice in
            (slice["endpoints"]?.elements ?? []).contains { $0[path: "conditions", "ready"]?.bool != false }
                && (slice["ports"]?.elements ?? []).contains { $0["name"]?.string ?? "" == portName && $0["port"]?.int != nil }
        }
        guard isActive else {
            return Self(
                reason: "MissingEndpoints",
                message: "endpointslices for \(place) have no addresses with port name \"\(portName)\"")
        }
        return nil
    }
}
