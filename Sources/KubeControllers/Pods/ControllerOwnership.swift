import KubeObject

/// Which of the objects that a workload may control it does control, and which must change hands.
///
/// The rules of upstream's controllerRef: what has a controller belongs to it; an orphan that matches the selector is adopted; what is owned
/// but doesn't match any more is released. An owner that is being deleted adopts nothing.
/// Source: https://github.com/kubernetes/design-proposals-archive/blob/main/api-machinery/controller-ref.md
struct ControllerOwnership {
    /// What belongs to the owner, after adoption.
    var owned: [Object] = []
    var toAdopt: [Object] = []
    var toRelease: [Object] = []

    init(owner: Object, selector: LabelSelector, candidates: some Sequence<Object>) {
        let isDeleting = owner.metadata.deletionTimestamp != nil
        for candidate in candidates {
            let metadata = candidate.metadata
            if let controller = metadata.controller {
                guard controller.uid == owner.metadata.uid else { continue }
                if selector.matches(metadata.labels) {
                    owned.append(candidate)
                } else if !isDeleting {
                    toRelease.append(candidate)
                }
            } else if !isDeleting, metadata.deletionTimestamp == nil, selector.matches(metadata.labels) {
                owned.append(candidate)
                toAdopt.append(candidate)
            }
        }
    }

    /// The reference that makes `owner` the controller of something.
    static func reference(to owner: Object) -> OwnerReference {
        OwnerReference(
            apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true,
            blockOwnerDeletion: true)
    }

    /// Adds the controller reference to an object's tree.
    static func adopt(_ tree: inout JSON, by owner: Object) {
        let references = tree[path: "metadata", "ownerReferences"]?.elements ?? []
        guard !references.contains(where: { $0["uid"]?.string == owner.metadata.uid }) else { return }
        tree[path: "metadata", "ownerReferences"] = .array(references + [reference(to: owner).tree])
    }

    /// Removes every reference to an owner from an object's tree.
    static func release(_ tree: inout JSON, from uid: String) {
        let rest = (tree[path: "metadata", "ownerReferences"]?.elements ?? []).filter { $0["uid"]?.string != uid }
        tree[path: "metadata", "ownerReferences"] = rest.isEmpty ? nil : .array(rest)
    }
}
