import KubeObject

/// What the controllers of storage read of a volume.
struct VolumeView {
    let object: Object
    let spec: JSON

    init(_ object: Object) {
        self.object = object
        spec = object.tree["spec"] ?? [:]
    }

    var metadata: Metadata { object.metadata }
    var name: String { metadata.name }
    var className: String {
        object.tree[path: "metadata", "annotations", StorageNames.oldClass]?.string ?? spec["storageClassName"]?.string ?? ""
    }
    var phase: String { object.tree[path: "status", "phase"]?.string ?? "Pending" }
    var capacity: JSON { spec["capacity"] ?? [:] }
    var size: Quantity { Quantity(stored: capacity["storage"]?.string) }
    var accessModes: [String] { spec["accessModes"]?.strings ?? [] }
    var volumeMode: String { spec["volumeMode"]?.string ?? "Filesystem" }
    var attributesClass: String { spec["volumeAttributesClassName"]?.string ?? "" }
    var reclaimPolicy: String { spec["persistentVolumeReclaimPolicy"]?.string ?? "Retain" }
    var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }
    var isBoundByController: Bool { object.tree[path: "metadata", "annotations", StorageNames.boundByController] != nil }
    var provisioner: String? { object.tree[path: "metadata", "annotations", StorageNames.provisionedBy]?.string }

    /// The claim that has the volume, or that it is kept for.
    var claim: ObjectName? {
        guard let reference = spec["claimRef"], !reference.isNull else { return nil }
        return ObjectName(namespace: reference["namespace"]?.string ?? "", name: reference["name"]?.string ?? "")
    }
    /// Empty when the volume is only kept for a claim that may come.
    var claimUID: String { spec[path: "claimRef", "uid"]?.string ?? "" }

    /// Whether it is this claim's, or kept for one of its name.
    func isKept(for claim: ClaimView) -> Bool {
        self.claim == ObjectName(claim.metadata) && (claimUID.isEmpty || claimUID == claim.metadata.uid)
    }

    /// Whether the node is one that reaches the volume.
    func isReachable(from node: Object) -> Bool {
        guard let required = spec[path: "nodeAffinity", "required"], !required.isNull else { return true }
        return NodeSelection.matchesAnyTerm(required["nodeSelectorTerms"]?.elements ?? [], node: node)
    }
}
