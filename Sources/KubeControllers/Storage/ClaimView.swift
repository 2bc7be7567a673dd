import KubeObject

/// What the controllers of storage read of a claim.
struct ClaimView {
    let object: Object
    let spec: JSON

    init(_ object: Object) {
        self.object = object
        spec = object.tree["spec"] ?? [:]
    }

    var metadata: Metadata { object.metadata }
    private func annotation(_ name: String) -> String? { object.tree[path: "metadata", "annotations", name]?.string }

    /// Empty while it has no volume.
    var volumeName: String { spec["volumeName"]?.string ?? "" }
    /// Empty for a claim that wants a volume without a class.
    var className: String { annotation(StorageNames.oldClass) ?? spec["storageClassName"]?.string ?? "" }
    /// Whether the binding was completed once: from then on a missing volume is a lost one.
    var isBindCompleted: Bool { annotation(StorageNames.bindCompleted) != nil }
    var selectedNode: String? { annotation(StorageNames.selectedNode) }
    var provisioner: String? { annotation(StorageNames.provisioner) ?? annotation(StorageNames.oldProvisioner) }
    var accessModes: [String] { spec["accessModes"]?.strings ?? [] }
    var volumeMode: String { spec["volumeMode"]?.string ?? "Filesystem" }
    var attributesClass: String { spec["volumeAttributesClassName"]?.string ?? "" }
    var phase: String { object.tree[path: "status", "phase"]?.string ?? "Pending" }
    /// What it asks for, as it was written.
    var request: String { spec[path: "resources", "requests", "storage"]?.string ?? "0" }
    var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }

    /// `namespace/name`.
    var path: String { "\(metadata.namespace)/\(metadata.name)" }

    /// What a volume says of the claim that has it.
    var reference: JSON {
        [
            "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": .string(metadata.namespace),
            "name": .string(metadata.name), "uid": .string(metadata.uid),
            "resourceVersion": .string(String(metadata.resourceVersion)),
        ]
    }

    /// The claim's selector; nil when it has none. One that can't be read selects nothing.
    var selector: LabelSelector? {
        guard let tree = spec["selector"], !tree.isNull else { return nil }
        do { return try LabelSelector(tree) } catch {
            var nothing = LabelSelector()
            nothing.matchesNothing = true
            return nothing
        }
    }
}

extension Quantity {
    /// Zero for what isn't one: validation has seen it.
    init(stored text: String?) {
        do { self = try Quantity(text ?? "0") } catch { self = Quantity(0) }
    }
}
