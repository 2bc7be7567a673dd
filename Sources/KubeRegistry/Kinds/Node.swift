import KubeObject

/// Node.
struct NodeRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.setDefault("spec", [:])
        object.setDefault("status", [:])
        object.edit("status") { status in
            if status.has("capacity") { status.setDefault("allocatable", status["capacity"] ?? [:]) }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for (index, taint) in (object[path: "spec", "taints"]?.elements ?? []).enumerated() {
            let path = "spec.taints[\(index)]"
            let key = taint.text("key")
            errors.invalid("\(path).key", key, Names.qualified(key))
            errors.invalid("\(path).value", taint.text("value"), Names.labelValue(taint.text("value")))
            errors.oneOf(
                taint["effect"], ["NoExecute", "NoSchedule", "PreferNoSchedule"], "\(path).effect", isRequired: true)
            if !seen.insert("\(key):\(taint.text("effect"))").inserted { errors.duplicate(path, taint) }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for key in ["podCIDR", "providerID"] {
            let before = old["spec"]?.text(key) ?? ""
            if !before.isEmpty, object["spec"]?.text(key) != before {
                errors.forbidden("spec.\(key)", "node updates may not change \(key) except from \"\" to valid")
            }
        }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "spec.unschedulable" ? (object.tree[path: "spec", "unschedulable"]?.bool == true ? "true" : "false") : nil
    }
}
