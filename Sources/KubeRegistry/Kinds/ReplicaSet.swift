import KubeObject

/// ReplicaSet.
struct ReplicaSetRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("replicas", 1)
            spec.edit("template", PodDefaults.setTemplateDefaults)
        }
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("replicas", 0) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["replicas": 0] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.nonnegative(spec["replicas"], "spec.replicas")
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        Workload.validateSelector(spec, &errors)
        Workload.validateTemplate(spec, kind: "ReplicaSet", restartPolicies: ["Always"], &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object[path: "spec", "selector"], old[path: "spec", "selector"], "spec.selector")
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.replicas" ? String(object.tree[path: "status", "replicas"]?.int ?? 0) : nil
    }
}

/// ReplicationController: as a ReplicaSet, with a plain map for its selector.
struct ReplicationControllerRules: KindRules {
    var countsGeneration: Bool { true }
    var defaultPropagation: PropagationPolicy? { .orphan }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("replicas", 1)
            let labels = spec[path: "template", "metadata", "labels"]
            if !spec.has("selector"), let labels, !labels.isEmpty { spec["selector"] = labels }
            spec.edit("template", PodDefaults.setTemplateDefaults)
        }
        Workload.copyTemplateLabels(&object)
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("replicas", 0) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["replicas": 0] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.nonnegative(spec["replicas"], "spec.replicas")
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        let selector = spec["selector"]?.stringMap ?? [:]
        if selector.isEmpty { errors.required("spec.selector") }
        guard let template = spec["template"], !template.isNull else { return errors.required("spec.template") }
        let labels = template[path: "metadata", "labels"]
        if !selector.isEmpty, !LabelSelector(matchLabels: selector).matches(labels?.stringMap ?? [:]) {
            errors.invalid("spec.template.metadata.labels", labels ?? [:], "`selector` does not match template `labels`")
        }
        Workload.validatePodTemplate(template, "spec.template", &errors)
        let policy = template["spec"]?.text("restartPolicy") ?? ""
        if policy != "Always" { errors.notSupported("spec.template.spec.restartPolicy", .string(policy), ["Always"]) }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.replicas" ? String(object.tree[path: "status", "replicas"]?.int ?? 0) : nil
    }
}

/// PodTemplate.
struct PodTemplateRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) { object.edit("template", PodDefaults.setTemplateDefaults) }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        Workload.validatePodTemplate(object["template"] ?? [:], "template", &errors)
    }
}
