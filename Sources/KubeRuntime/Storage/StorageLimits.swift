import KubeObject
import KubeRegistry

/// How much of the node's disk a pod may have. Past it the pod is ended, in the order and the words of kubelet's eviction manager.
/// Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#resource-emphemeralstorage-consumption
struct StorageLimits: Sendable, Equatable {
    private struct Limit: Sendable, Equatable {
        var name: String
        var bytes: Int64
        /// As it was written.
        var text: String
    }

    private var volumes: [Limit] = []
    private var containers: [Limit] = []
    /// What all containers together may have.
    private var pod: Limit?

    init(_ pod: Pod) {
        for volume in pod.spec["volumes"]?.elements ?? [] {
            // Those in memory are no larger than they may be.
            guard let source = volume["emptyDir"], source["medium"]?.string != "Memory" else { continue }
            if let limit = Self.limit(volume, source["sizeLimit"]), limit.bytes > 0 { volumes.append(limit) }
        }
        for container in pod.containers {
            if let limit = Self.limit(container.tree, container.tree[path: "resources", "limits", "ephemeral-storage"]),
                limit.bytes > 0
            {
                containers.append(limit)
            }
        }
        if let most = PodResources.limits(of: pod.tree).amounts["ephemeral-storage"] {
            let only = containers.count == 1 && containers[0].bytes == most ? containers[0].text : nil
            self.pod = Limit(name: "", bytes: most, text: only ?? Quantity(most, format: .binary).description)
        }
    }

    private static func limit(_ named: JSON, _ amount: JSON?) -> Limit? {
        guard let quantity = ContainerResources.amount(amount) else { return nil }
        return Limit(name: named["name"]?.string ?? "", bytes: quantity.value, text: quantity.description)
    }

    var isEmpty: Bool { volumes.isEmpty && containers.isEmpty && pod == nil }

    /// Which limit is exceeded, as the pod's status and event say it; nil for none.
    func excess(_ storage: PodStorage) -> String? {
        for limit in volumes {
            if let used = storage.volumes[limit.name], used.bytes > limit.bytes {
                return "Usage of EmptyDir volume \"\(limit.name)\" exceeds the limit \"\(limit.text)\". "
            }
        }
        if let pod, storage.ephemeral.bytes > pod.bytes {
            return "Pod ephemeral local storage usage exceeds the total limit of containers \(pod.text). "
        }
        for limit in containers {
            guard let container = storage.containers[limit.name] else { continue }
            var used = container.logs
            if let root = container.root { used += root }
            if used.bytes > limit.bytes {
                return "Container \(limit.name) exceeded its local ephemeral storage limit \"\(limit.text)\". "
            }
        }
        return nil
    }
}
