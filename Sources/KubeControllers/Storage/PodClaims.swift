import KubeObject
import KubeStore

/// The claims that pods' volumes stand for.
/// Source: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
enum PodClaims {
    struct Reference: Equatable {
        var claim: String
        /// Whether the claim is made for the pod, and goes with it.
        var isEphemeral: Bool
    }

    static func references(of pod: Object) -> [Reference] {
        (pod.tree[path: "spec", "volumes"]?.elements ?? []).compactMap { volume in
            if let name = volume[path: "persistentVolumeClaim", "claimName"]?.string {
                return Reference(claim: name, isEphemeral: false)
            }
            guard volume["ephemeral"]?.object != nil else { return nil }
            return Reference(claim: "\(pod.metadata.name)-\(volume["name"]?.string ?? "")", isEphemeral: true)
        }
    }

    /// Whether a claim was made for the pod, rather than having the name by chance.
    static func isOwned(_ claim: Metadata, by pod: Metadata) -> Bool { claim.controller?.uid == pod.uid }

    /// Whether a pod keeps a claim from going: one that no node has yet won't be started with it.
    static func isUsed(_ claim: Metadata, by pod: Object) -> Bool {
        guard !PodState(pod).nodeName.isEmpty else { return false }
        let isShutDown = pod.metadata.deletionTimestamp != nil && pod.metadata.deletionGracePeriodSeconds == 0
        return references(of: pod).contains { reference in
            guard reference.claim == claim.name else { return false }
            return !reference.isEphemeral || (!isShutDown && isOwned(claim, by: pod.metadata))
        }
    }

    /// The pods that want the claim and aren't bound to a node yet, by name.
    static func waitingPods(for claim: ClaimView, in snapshot: Snapshot) -> [String] {
        snapshot.list(prefix: Key.prefix(Resources.pods, namespace: claim.metadata.namespace)).filter { pod in
            PodState(pod).nodeName.isEmpty && PodState(pod).isActive
                && references(of: pod).contains { $0.claim == claim.metadata.name }
        }.map(\.metadata.name)
    }
}
