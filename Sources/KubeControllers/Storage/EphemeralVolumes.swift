import KubeObject
public import KubeStore

/// Makes the claims that pods describe in their own spec; the garbage collector takes them away with the pods.
/// Source: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#lifecycle-and-persistentvolumeclaim
public struct EphemeralVolumes: Reconciler {
    public init() {}

    public var name: String { "ephemeral-volume-controller" }
    public var watched: [String] { [Key.prefix(Resources.pods), Key.prefix(Resources.persistentVolumeClaims)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "PersistentVolumeClaim" {
            // A claim that was in a pod's way, or its own, is gone.
            guard event.type == .deleted, let owner = metadata.controller, owner.kind == "Pod" else { return [] }
            return [ObjectName(namespace: metadata.namespace, name: owner.name)]
        }
        guard event.type == .added, PodClaims.references(of: event.object).contains(where: \.isEphemeral) else { return [] }
        return [ObjectName(metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let pod = work.object(Resources.pods), PodState(pod).isActive else { return .done }
        for volume in pod.tree[path: "spec", "volumes"]?.elements ?? [] {
            guard let template = volume[path: "ephemeral", "volumeClaimTemplate"] else { continue }
            let name = "\(pod.metadata.name)-\(volume["name"]?.string ?? "")"
            let key = Key(Resources.persistentVolumeClaims, namespace: work.namespace, name: name)
            if let known = work.cluster.snapshot.get(key) {
                if !PodClaims.isOwned(known.metadata, by: pod.metadata) {
                    work.report(
                        .warning, "FailedCreate",
                        "PVC \(work.namespace)/\(name) was not created for pod \(work.namespace)/\(pod.metadata.name) (pod is not owner)",
                        about: pod)
                }
                continue
            }
            try await work.create(Self.claim(name, template, of: pod), Resources.persistentVolumeClaims)
        }
        return .done
    }

    static func claim(_ name: String, _ template: JSON, of pod: Object) -> JSON {
        var metadata: JSON = [
            "name": .string(name), "namespace": .string(pod.metadata.namespace),
            "ownerReferences": [ControllerOwnership.reference(to: pod).tree],
        ]
        metadata["labels"] = template[path: "metadata", "labels"]
        metadata["annotations"] = template[path: "metadata", "annotations"]
        return ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"] ?? [:]]
    }
}
