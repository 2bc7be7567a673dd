import KubeObject
import KubeStore

/// A cluster's snapshot, as DNS reads it: nothing is copied or kept.
struct SnapshotDirectory: DNSDirectory {
    var snapshot: Snapshot

    var revision: UInt64 { snapshot.revision }

    func hasNamespace(_ name: String) -> Bool {
        snapshot.get(Key(group: "core", plural: "namespaces", name: name)) != nil
    }

    func service(_ name: ServiceName) -> NamedService? {
        let key = Key(group: "core", plural: "services", namespace: name.namespace, name: name.name)
        return snapshot.get(key).flatMap { NamedService($0.tree) }
    }

    func slices(of name: ServiceName) -> [SliceFacts] {
        let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: name.namespace)
        return snapshot.entries(prefix: prefix).compactMap { entry in
            guard entry.object.metadata.labels[ClusterServices.serviceNameLabel] == name.name else { return nil }
            return SliceFacts(entry.object.tree)
        }
    }

    func service(at address: IPAddress) -> ServiceName? {
        let text = address.description
        for entry in snapshot.entries(prefix: ClusterServices.servicePrefix) {
            let spec = entry.object.tree["spec"]
            // An IPv6 address may be written in several ways.
            let isIts = spec?["clusterIPs"]?.strings.contains {
                $0 == text || (address.family == .v6 && IPAddress($0) == address)
            }
            guard spec?["clusterIP"]?.string == text || isIts == true else { continue }
            return ServiceName(namespace: entry.object.metadata.namespace, name: entry.object.metadata.name)
        }
        return nil
    }

    func endpoints(at address: IPAddress) -> [(service: ServiceName, endpoint: SliceFacts.Endpoint)] {
        snapshot.entries(prefix: ClusterServices.slicePrefix).flatMap { entry in
            let metadata = entry.object.metadata
            guard let service = metadata.labels[ClusterServices.serviceNameLabel], let slice = SliceFacts(entry.object.tree)
            else {
                return [(service: ServiceName, endpoint: SliceFacts.Endpoint)]()
            }
            return slice.endpoints.filter { $0.isReady && $0.address == address }.map {
                (ServiceName(namespace: metadata.namespace, name: service), $0)
            }
        }
    }
}

extension NamedService {
    /// - Returns: nil for a service that has no address yet.
    init?(_ service: JSON) {
        guard let spec = service["spec"] else { return nil }
        if spec["type"]?.string == "ExternalName" {
            self = .external(spec["externalName"]?.string ?? "")
            return
        }
        var texts = spec["clusterIPs"]?.strings ?? []
        if texts.isEmpty, let only = spec["clusterIP"]?.string { texts = [only] }
        if texts.contains("None") {
            self = .headless
            return
        }
        guard let facts = ServiceFacts(service), !texts.isEmpty else { return nil }
        self = .cluster(addresses: texts.compactMap { IPAddress($0) }, ports: facts.ports)
    }
}
