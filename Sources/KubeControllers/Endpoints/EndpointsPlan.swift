import KubeObject

/// The older `Endpoints` object of a service: one object, addresses grouped by ports into subsets.
enum EndpointsPlan {
    static let managedByLabel = "endpoints.kubernetes.io/managed-by"
    static let managedBy = "endpoint-controller"
    static let overCapacity = "endpoints.kubernetes.io/over-capacity"
    /// More addresses than this are left out, and an annotation says so.
    static let capacity = 1000

    enum Action: Equatable {
        case none
        case create(JSON)
        case update(JSON)
    }

    /// - Parameter existing: the Endpoints object of the service's name, whoever made it.
    static func decide(_ service: ServiceView, pods: [EndpointPod], existing: Object?, now: Double) -> Action {
        guard service.selectsPods else { return .none }
        var groups: [JSON: (ready: [JSON], notReady: [JSON])] = [:]
        var count = 0
        for pod in pods where pod.isEndpoint(includingTerminating: service.publishesNotReady) {
            guard let address = pod.address(family: service.families[0]) else { continue }
            let ports = JSON.array(pod.ports(of: service).map(Self.withoutEmptyName))
            if ports.elements.isEmpty, !service.isHeadless { continue }
            let isReady = service.publishesNotReady || pod.pod.isReady
            count += 1
            if count > capacity { continue }
            let entry = self.address(pod, ip: address, of: service)
            if isReady {
                groups[ports, default: ([], [])].ready.append(entry)
            } else {
                groups[ports, default: ([], [])].notReady.append(entry)
            }
        }
        let subsets = groups.sorted { $0.key.encoded().lexicographicallyPrecedes($1.key.encoded()) }.map { ports, group -> JSON in
            var subset: JSON = [:]
            if !group.ready.isEmpty { subset["addresses"] = .array(sorted(group.ready)) }
            if !group.notReady.isEmpty { subset["notReadyAddresses"] = .array(sorted(group.notReady)) }
            if !ports.elements.isEmpty { subset["ports"] = ports }
            return subset
        }
        return action(service, subsets: subsets, isTruncated: count > capacity, existing: existing, now: now)
    }

    private static func action(
        _ service: ServiceView, subsets: [JSON], isTruncated: Bool, existing: Object?, now: Double
    ) -> Action {
        var labels = service.metadata.labels
        labels[EndpointSlicePlan.headlessLabel] = service.isHeadless ? "" : nil
        labels[managedByLabel] = managedBy
        guard let existing else {
            var metadata: JSON = [
                "name": .string(service.name), "namespace": .string(service.metadata.namespace), "labels": JSON(labels),
                "annotations": [EndpointSlicePlan.triggerTime: .string(Timestamp.format(now))],
            ]
            if isTruncated { metadata[path: "annotations", overCapacity] = "truncated" }
            var tree: JSON = ["apiVersion": "v1", "kind": "Endpoints", "metadata": metadata]
            if !subsets.isEmpty { tree["subsets"] = .array(subsets) }
            return .create(tree)
        }
        let isSame = existing.tree["subsets"]?.elements ?? [] == subsets
        let wasTruncated = existing.tree[path: "metadata", "annotations", overCapacity] != nil
        if isSame, existing.metadata.labels == labels, wasTruncated == isTruncated { return .none }
        var tree = existing.tree
        tree["subsets"] = subsets.isEmpty ? nil : .array(subsets)
        tree[path: "metadata", "labels"] = JSON(labels)
        if !isSame { tree[path: "metadata", "annotations", EndpointSlicePlan.triggerTime] = .string(Timestamp.format(now)) }
        if isTruncated || wasTruncated {
            tree[path: "metadata", "annotations", overCapacity] = isTruncated ? "truncated" : nil
        }
        return .update(tree)
    }

    private static func address(_ endpoint: EndpointPod, ip: String, of service: ServiceView) -> JSON {
        let pod = endpoint.pod
        var tree: JSON = [
            "ip": .string(ip),
            "targetRef": [
                "kind": "Pod", "namespace": .string(pod.metadata.namespace), "name": .string(pod.name),
                "uid": .string(pod.metadata.uid),
            ],
        ]
        let node = pod.nodeName
        if !node.isEmpty { tree["nodeName"] = .string(node) }
        if let hostname = endpoint.hostname(in: service) { tree["hostname"] = .string(hostname) }
        return tree
    }

    private static func withoutEmptyName(_ port: JSON) -> JSON {
        var port = port
        if port["name"]?.string == "" { port["name"] = nil }
        return port
    }

    private static func sorted(_ addresses: [JSON]) -> [JSON] {
        addresses.sorted { $0["ip"]?.string ?? "" < $1["ip"]?.string ?? "" }
    }
}
