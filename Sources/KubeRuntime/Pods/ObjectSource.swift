import KubeObject
import KubeStore

/// Reads the objects that a pod refers to, in its own cluster.
protocol ObjectSource: Sendable {
    func configMap(namespace: String, name: String) -> JSON?
    func secret(namespace: String, name: String) -> JSON?
    func serviceAccount(namespace: String, name: String) -> JSON?
    func services(namespace: String) -> [JSON]
    func claim(namespace: String, name: String) -> JSON?
    func persistentVolume(name: String) -> JSON?
}

/// Reads from the cluster's newest snapshot: no cache, no request.
struct ClusterObjects: ObjectSource {
    let cluster: LogicalCluster

    func configMap(namespace: String, name: String) -> JSON? { get("configmaps", namespace, name) }
    func secret(namespace: String, name: String) -> JSON? { get("secrets", namespace, name) }
    func serviceAccount(namespace: String, name: String) -> JSON? { get("serviceaccounts", namespace, name) }

    func services(namespace: String) -> [JSON] {
        cluster.snapshot.list(prefix: Key.prefix(group: "core", plural: "services", namespace: namespace)).map(\.tree)
    }

    func claim(namespace: String, name: String) -> JSON? { get("persistentvolumeclaims", namespace, name) }
    func persistentVolume(name: String) -> JSON? { get("persistentvolumes", "", name) }

    private func get(_ plural: String, _ namespace: String, _ name: String) -> JSON? {
        cluster.snapshot.get(Key(group: "core", plural: plural, namespace: namespace, name: name))?.tree
    }
}

/// Why a container can't be made: kubelet's reason and message.
struct ContainerFailure: Error, Sendable, Equatable {
    var reason: String
    var message: String

    static func config(_ message: String) -> ContainerFailure {
        ContainerFailure(reason: "CreateContainerConfigError", message: message)
    }
}
