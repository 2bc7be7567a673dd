import KubeObject

/// Namespace: holds its own deletion up by `spec.finalizers` until the namespace controller has emptied it.
struct NamespaceRules: KindRules {
    static let nameLabel = "kubernetes.io/metadata.name"

    var nameRule: NameRule { .label }

    func setDefaults(_ object: inout JSON) {
        let name = object["metadata"]?.text("name") ?? ""
        if !name.isEmpty, object[path: "metadata", "labels", Self.nameLabel] == nil {
            object[path: "metadata", "labels", Self.nameLabel] = .string(name)
        }
        object[path: "status", "phase"] = object[path: "status", "phase"] ?? "Active"
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["phase": "Active"]
        var finalizers = object[path: "spec", "finalizers"]?.elements ?? []
        if !finalizers.contains("kubernetes") { finalizers.append("kubernetes") }
        object[path: "spec", "finalizers"] = .array(finalizers)
        // The name may have been generated after defaulting.
        setDefaults(&object)
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        object[path: "spec", "finalizers"] = old[path: "spec", "finalizers"]
        object["status"] = old["status"]
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        for finalizer in object[path: "spec", "finalizers"]?.strings ?? [] {
            validateFinalizer(finalizer, "spec.finalizers", &errors)
        }
    }

    private func validateFinalizer(_ finalizer: String, _ path: String, _ errors: inout FieldErrors) {
        errors.invalid(path, finalizer, Names.qualified(finalizer))
        if !finalizer.contains("/"), !["kubernetes", "orphan", "foregroundDeletion"].contains(finalizer) {
            errors.invalid(
                path, .string(finalizer), "name is neither a standard finalizer name nor is it fully qualified")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {}

    func validateUpdate(_ object: JSON, old: JSON, subresource: String, _ errors: inout FieldErrors) {
        for (index, finalizer) in (object[path: "spec", "finalizers"]?.strings ?? []).enumerated() {
            validateFinalizer(finalizer, "spec.finalizers[\(index)]", &errors)
        }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let phase = object[path: "status", "phase"]
        if object["metadata"]?.has("deletionTimestamp") ?? false {
            if phase != "Terminating" {
                errors.invalid("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")
            }
        } else if phase != "Active" {
            errors.invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")
        }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.phase" ? object.tree[path: "status", "phase"]?.string ?? "" : path == "name" ? object.metadata.name : nil
    }
}
