import KubeObject
import KubeRegistry
import KubeStore

/// The pods behind a service, as its endpoint slices show them.
struct ServiceEndpoints {
    let cluster: LogicalCluster
    let addressBook: PodAddressBook
    let namespace: String

    struct Endpoint: Equatable {
        var address: String
        var port: Int
    }

    /// Ready endpoints of one port, each a pod of this very cluster and namespace. Whatever else a slice names, as anybody may write
    /// one, is left out: or this server's own place in the network could be used to reach what the client can't.
    /// - Parameter port: the port's name in the service; empty for the one without a name.
    func ready(_ service: String, port: String) -> [Endpoint] {
        let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: self.namespace)
        var found: [Endpoint] = []
        for slice in self.cluster.snapshot.list(prefix: prefix) {
            guard slice.metadata.labels["kubernetes.io/service-name"] == service else { continue }
            let tree = slice.tree
            let numbers = (tree["ports"]?.elements ?? []).filter { ($0["name"]?.string ?? "") == port }
                .compactMap { $0["port"]?.int }
            for endpoint in tree["endpoints"]?.elements ?? [] where endpoint[path: "conditions", "ready"]?.bool != false {
                guard let address = endpoint["addresses"]?.strings.first, self.isPod(address) else { continue }
                found += numbers.map { Endpoint(address: address, port: Int($0)) }
            }
        }
        return found
    }

    private func isPod(_ address: String) -> Bool {
        guard let pod = self.addressBook.pod(at: address) else { return false }
        return pod.cluster == self.cluster.id && pod.namespace == self.namespace
    }
}
