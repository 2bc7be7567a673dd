import KubeObject
import KubeStore

/// How objects belong to a node: by the pods that run there, and what those need.
struct NodeRelations {
    let node: String
    let snapshot: Snapshot

    /// Whether the object belongs to the node.
    func reach(group: String, _ plural: String, _ namespace: String, _ name: String) -> Bool {
        switch (group, plural) {
        case ("", "pods"):
            return snapshot.get(Key(group: "", plural: "pods", namespace: namespace, name: name)).map(isHere) ?? false
        case ("", "secrets"):
            return anyPod(namespace) { PodReferences.names($0, secret: name) } || volumes(need: name, in: namespace)
        case ("", "configmaps"): return anyPod(namespace) { PodReferences.names($0, configMap: name) }
        case ("", "serviceaccounts"):
            return anyPod(namespace) { $0[path: "spec", "serviceAccountName"]?.string == name }
        case ("", "persistentvolumeclaims"): return anyPod(namespace) { PodReferences.claims(of: $0).contains(name) }
        case ("", "persistentvolumes"):
            guard let volume = snapshot.get(Key(group: "", plural: "persistentvolumes", name: name)) else { return false }
            return isClaimedHere(volume.tree)
        case ("resource.k8s.io", "resourceclaims"):
            return anyPod(namespace) { PodReferences.resourceClaims(of: $0).contains(name) }
        case ("storage.k8s.io", "volumeattachments"), ("resource.k8s.io", "resourceslices"):
            let object = snapshot.get(Key(group: group, plural: plural, name: name))
            return object?.tree[path: "spec", "nodeName"]?.string == node
        default: return false
        }
    }

    private func isHere(_ pod: Object) -> Bool { pod.tree[path: "spec", "nodeName"]?.string == node }

    /// Whether a pod of a namespace that runs here is so. A mirror of a pod that the node makes up itself gives it nothing.
    private func anyPod(_ namespace: String, _ condition: (JSON) -> Bool) -> Bool {
        guard !namespace.isEmpty else { return false }
        return snapshot.list(prefix: Key.prefix(group: "", plural: "pods", namespace: namespace)).contains { pod in
            isHere(pod) && pod.tree[path: "metadata", "annotations", NodeRestriction.mirror] == nil && condition(pod.tree)
        }
    }

    private func isClaimedHere(_ volume: JSON) -> Bool {
        guard let claim = volume[path: "spec", "claimRef"], let name = claim["name"]?.string else { return false }
        return anyPod(claim["namespace"]?.string ?? "") { PodReferences.claims(of: $0).contains(name) }
    }

    // MARK: Secrets of volumes

    private static let references: [(source: String, field: String)] = [
        ("cephfs", "secretRef"), ("cinder", "secretRef"), ("csi", "nodePublishSecretRef"), ("csi", "nodeStageSecretRef"),
        ("csi", "nodeExpandSecretRef"), ("flexVolume", "secretRef"), ("iscsi", "secretRef"), ("rbd", "secretRef"),
        ("scaleIO", "secretRef"), ("storageos", "secretRef"),
    ]

    /// Whether a volume that is claimed for a pod here needs a secret.
    private func volumes(need name: String, in namespace: String) -> Bool {
        snapshot.list(prefix: Key.prefix(group: "", plural: "persistentvolumes", namespace: "")).contains { volume in
            let spec = volume.tree["spec"] ?? [:]
            let claimNamespace = spec[path: "claimRef", "namespace"]?.string ?? ""
            func isMeant(_ secret: String?, _ place: String?) -> Bool {
                secret == name && (place.flatMap { $0.isEmpty ? nil : $0 } ?? claimNamespace) == namespace
            }
            let azure = spec["azureFile"]
            let isNeeded =
                isMeant(azure?["secretName"]?.string, azure?["secretNamespace"]?.string)
                || Self.references.contains { source, field in
                    let reference = spec[source]?[field]
                    return isMeant(reference?["name"]?.string, reference?["namespace"]?.string)
                }
            return isNeeded && isClaimedHere(volume.tree)
        }
    }
}
