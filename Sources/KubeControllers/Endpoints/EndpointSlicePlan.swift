import KubeObject

/// The endpoint slices of a service, decided from the service, its pods and the slices there are.
///
/// Pods stay in the slices they are in; only slices that change are written; a slice holds at most 100 endpoints; pods whose
/// named ports have other numbers are in slices of their own.
/// Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
struct EndpointSlicePlan: Equatable {
    static let managedBy = "endpointslice-controller.k8s.io"
    static let managedByLabel = "endpointslice.kubernetes.io/managed-by"
    static let serviceNameLabel = "kubernetes.io/service-name"
    static let headlessLabel = "service.kubernetes.io/headless"
    static let triggerTime = "endpoints.kubernetes.io/last-change-trigger-time"
    static let capacity = 100

    var create: [JSON] = []
    /// Whole objects, with the name of the slice each replaces.
    var update: [String: JSON] = [:]
    var delete: [String] = []

    /// - Parameters:
    ///   - pods: the pods that the service selects.
    ///   - existing: the slices that this controller made for the service.
    ///   - zones: the zone of each node that has one.
    init(_ service: ServiceView, pods: [EndpointPod], existing: [Object], zones: [String: String], now: Double) {
        guard service.selectsPods else {
            delete = existing.map(\.metadata.name)
            return
        }
        for family in service.families {
            let slices = existing.filter { $0.tree["addressType"]?.string == family && $0.metadata.deletionTimestamp == nil }
            plan(service, family: family, pods: pods, slices: slices, zones: zones, now: now)
        }
        delete += existing.filter { !service.families.contains($0.tree["addressType"]?.string ?? "") }.map(\.metadata.name)
        delete.sort()
    }

    private mutating func plan(
        _ service: ServiceView, family: String, pods: [EndpointPod], slices: [Object], zones: [String: String], now: Double
    ) {
        // Endpoints by the ports that they have, and in each group by the pod.
        var groups: [JSON: [String: JSON]] = [:]
        for pod in pods where pod.isEndpoint(includingTerminating: true) {
            guard let address = pod.address(family: family) else { continue }
            let ports = JSON.array(pod.ports(of: service))
            groups[ports, default: [:]][pod.metadata.uid] = Self.endpoint(pod, address: address, of: service, zones: zones)
        }
        // A service without endpoints has one empty slice, so that its readers see it.
        if groups.isEmpty { groups[[]] = [:] }

        var unused = slices
        for (ports, endpoints) in groups.sorted(by: { $0.key.encoded().lexicographicallyPrecedes($1.key.encoded()) }) {
            let own = unused.filter { JSON.array($0.tree["ports"]?.elements ?? []).withoutNulls == ports }
            unused.removeAll { slice in own.contains { $0.metadata.uid == slice.metadata.uid } }
            fill(own, service, family: family, ports: ports, endpoints: endpoints, now: now)
        }
        delete += unused.map(\.metadata.name)
    }

    /// Puts one group of endpoints into its slices.
    private mutating func fill(
        _ slices: [Object], _ service: ServiceView, family: String, ports: JSON, endpoints: [String: JSON], now: Double
    ) {
        var left = endpoints
        var kept: [(slice: Object, endpoints: [JSON])] = []
        for slice in slices {
            var own: [JSON] = []
            for endpoint in slice.tree["endpoints"]?.elements ?? [] {
                guard let uid = endpoint[path: "targetRef", "uid"]?.string, let current = left.removeValue(forKey: uid) else {
                    continue
                }
                own.append(current)
            }
            kept.append((slice, own))
        }
        var rest = left.sorted { $0.key < $1.key }.map(\.value)[...]
        for index in kept.indices where !rest.isEmpty {
            let room = max(0, Self.capacity - kept[index].endpoints.count)
            kept[index].endpoints += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
        var hasSlice = false
        for (slice, own) in kept {
            guard !own.isEmpty || (endpoints.isEmpty && !hasSlice) else {
                delete.append(slice.metadata.name)
                continue
            }
            hasSlice = true
            if let changed = Self.changed(slice, service, endpoints: own, now: now) { update[slice.metadata.name] = changed }
        }
        while !rest.isEmpty || !hasSlice {
            create.append(
                Self.slice(service, family: family, ports: ports, endpoints: Array(rest.prefix(Self.capacity)), now: now))
            rest = rest.dropFirst(Self.capacity)
            hasSlice = true
        }
    }

    private static func endpoint(
        _ endpoint: EndpointPod, address: String, of service: ServiceView, zones: [String: String]
    ) -> JSON {
        let pod = endpoint.pod
        let isServing = pod.isReady
        var tree: JSON = [
            "addresses": [.string(address)],
            "conditions": [
                "ready": .bool(service.publishesNotReady || (isServing && !pod.isTerminating)),
                "serving": .bool(isServing), "terminating": .bool(pod.isTerminating),
            ],
            "targetRef": [
                "kind": "Pod", "namespace": .string(pod.metadata.namespace), "name": .string(pod.name),
                "uid": .string(pod.metadata.uid),
            ],
        ]
        let node = pod.nodeName
        if !node.isEmpty {
            tree["nodeName"] = .string(node)
            if let zone = zones[node] { tree["zone"] = .string(zone) }
        }
        if let hostname = endpoint.hostname(in: service) { tree["hostname"] = .string(hostname) }
        return tree
    }

    private static func labels(of service: ServiceView) -> [String: String] {
        var labels = service.metadata.labels
        labels[headlessLabel] = service.isHeadless ? "" : nil
        labels[serviceNameLabel] = service.name
        labels[managedByLabel] = managedBy
        return labels
    }

    private static func slice(_ service: ServiceView, family: String, ports: JSON, endpoints: [JSON], now: Double) -> JSON {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "generateName": .string("\(service.name)-"), "namespace": .string(service.metadata.namespace),
                "labels": JSON(labels(of: service)),
                "annotations": [triggerTime: .string(Timestamp.format(now))],
                "ownerReferences": [ControllerOwnership.reference(to: service.object).tree],
            ],
            "addressType": .string(family), "ports": ports, "endpoints": .array(endpoints),
        ]
    }

    /// The slice with these endpoints and the service's labels, or nil when it has them already.
    private static func changed(_ slice: Object, _ service: ServiceView, endpoints: [JSON], now: Double) -> JSON? {
        let hasSameEndpoints = Set(slice.tree["endpoints"]?.elements ?? []) == Set(endpoints)
        let labels = labels(of: service)
        if hasSameEndpoints, slice.metadata.labels == labels { return nil }
        var tree = slice.tree
        tree["endpoints"] = .array(endpoints)
        tree[path: "metadata", "labels"] = JSON(labels)
        if !hasSameEndpoints { tree[path: "metadata", "annotations", triggerTime] = .string(Timestamp.format(now)) }
        return tree
    }
}
