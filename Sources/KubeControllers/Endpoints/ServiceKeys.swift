import KubeObject
import KubeStore

/// Which services a change concerns.
enum ServiceKeys {
    static func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        switch event.object.kind {
        case "Service": return [ObjectName(metadata)]
        case "Pod":
            let services = cluster.snapshot.list(prefix: Key.prefix(Resources.services, namespace: metadata.namespace)).filter {
                let selector = $0.tree[path: "spec", "selector"]
                return selects(selector, metadata.labels) || event.previous.map { selects(selector, $0.metadata.labels) } ?? false
            }
            guard !services.isEmpty else { return [] }
            let new = EndpointPod(event.object)
            let old = event.previous.map(EndpointPod.init)
            if let old, event.type == .modified, old.fingerprint == new.fingerprint { return [] }
            // A pod that never had an address was no endpoint.
            if new.addresses.isEmpty, old?.addresses.isEmpty ?? true { return [] }
            return services.map { ObjectName($0.metadata) }
        default: return []
        }
    }

    private static func selects(_ selector: JSON?, _ labels: [String: String]) -> Bool {
        guard let members = selector?.object, !members.isEmpty else { return false }
        return members.allSatisfy { labels[$0.key] == $0.value.string }
    }

    /// The pods that a service selects.
    static func pods(of service: ServiceView, _ work: Work) -> [EndpointPod] {
        guard service.selectsPods else { return [] }
        return work.list(Resources.pods).filter { service.selects($0.metadata.labels) }.map(EndpointPod.init)
    }
}
