import KubeObject

/// Whose a stateful set's claim is: its owner's end is the claim's.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
enum StatefulSetClaims {
    /// What the claim's owner references should be; nil when they are that already.
    ///
    /// - Parameter pod: the claim's pod; one beyond the set's ordinals is about to be deleted.
    static func references(of claim: Object, _ set: StatefulSetView, pod: StatefulPod) -> [JSON]? {
        let current = claim.tree[path: "metadata", "ownerReferences"]?.elements ?? []
        let ours = [set.object.metadata.uid, pod.state.metadata.uid]
        var wanted = current.filter { !ours.contains($0["uid"]?.string ?? "") }
        // Somebody else's claim is left alone.
        let isForeign = wanted.contains { $0["controller"]?.bool == true }
        if !isForeign {
            if set.deletesClaimsWithPod, !set.ordinals.contains(pod.ordinal) {
                wanted.append(ControllerOwnership.reference(to: pod.state.object).tree)
            } else if set.deletesClaimsWithSet {
                wanted.append(ControllerOwnership.reference(to: set.object).tree)
            }
        }
        let uids = { (references: [JSON]) in references.map { $0["uid"]?.string ?? "" } }
        return Set(uids(wanted)) == Set(uids(current)) ? nil : wanted
    }
}
