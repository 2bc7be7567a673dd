import KubeObject
import KubeSchema

/// Which fields an update through a given address may change.
enum UpdatedFields {
    /// The new tree with everything carried over from the old one that this address doesn't change.
    static func carryOver(
        _ new: JSON, old: JSON, _ resource: ResourceType, subresource: String, _ rules: any KindRules
    ) -> JSON {
        var result = new
        switch subresource {
        case "":
            if resource.subresource("status") != nil { result["status"] = old["status"] }
        case "status":
            result = old
            if rules.statusKeepsMetadata {
                result[path: "metadata", "managedFields"] = new[path: "metadata", "managedFields"]
            } else {
                result["metadata"] = new["metadata"]
            }
            result["status"] = new["status"]
            if rules.statusKeepsLabels { result[path: "metadata", "labels"] = old[path: "metadata", "labels"] }
            result[path: "metadata", "ownerReferences"] = old[path: "metadata", "ownerReferences"]
        case "ephemeralcontainers":
            result = old
            result[path: "spec", "ephemeralContainers"] = new[path: "spec", "ephemeralContainers"]
        case "resize":
            result = old
            for key in ["containers", "initContainers"] { result[path: "spec", key] = resized(new, old, key) }
            result[path: "spec", "resources"] = new[path: "spec", "resources"]
        case "finalize":
            result = old
            result["metadata"] = new["metadata"]
            result[path: "spec", "finalizers"] = new[path: "spec", "finalizers"]
        case "approval":
            result = old
            result["metadata"] = new["metadata"]
            result[path: "status", "conditions"] = new[path: "status", "conditions"]
        default: break
        }
        carryOverMetadata(&result, old)
        return result
    }

    private static func carryOverMetadata(_ object: inout JSON, _ old: JSON) {
        object.setDefault("metadata", [:])
        object.edit("metadata") { metadata in
            let before = old["metadata"] ?? [:]
            metadata["selfLink"] = nil
            for key in ["uid", "generateName", "namespace", "name"] where !metadata.has(key) { metadata[key] = before[key] }
            for key in ["creationTimestamp", "generation", "resourceVersion"] { metadata[key] = before[key] }
            // Only a deletion marks an object as being deleted: whoever says otherwise is refused.
            for key in ["deletionTimestamp", "deletionGracePeriodSeconds"] where metadata[key]?.isNull ?? true {
                metadata[key] = before[key]
            }
            // Nothing and an empty map are one and the same.
            for key in ["labels", "annotations", "finalizers", "ownerReferences"] where metadata[key]?.isEmpty ?? false {
                metadata[key] = nil
            }
        }
    }

    /// The old containers with the new ones' resources and resize policies. Where they aren't the same containers in the same order, what was
    /// sent, for validation to refuse.
    private static func resized(_ new: JSON, _ old: JSON, _ key: String) -> JSON? {
        let before = old[path: "spec", key]?.elements ?? []
        let wanted = new[path: "spec", key]?.elements ?? []
        guard wanted.map({ $0.text("name") }) == before.map({ $0.text("name") }) else { return new[path: "spec", key] }
        guard !before.isEmpty else { return old[path: "spec", key] }
        return .array(
            zip(before, wanted).map { container, change in
                var container = container
                container["resources"] = change["resources"]
                container["resizePolicy"] = change["resizePolicy"]
                return container
            })
    }

    /// Whether anything but metadata and (unless it counts) status differs.
    static func isDesireChanged(_ new: JSON, _ old: JSON, countsStatus: Bool = false) -> Bool {
        let keys = Set((new.object ?? [:]).map(\.key) + (old.object ?? [:]).map(\.key))
        return keys.contains { key in
            key != "metadata" && (countsStatus || key != "status") && key != "apiVersion" && key != "kind"
                && !FieldErrors.isSame(new[key], old[key])
        }
    }
}
