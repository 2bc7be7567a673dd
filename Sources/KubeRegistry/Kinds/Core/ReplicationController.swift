import KubeObject

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
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        let selector = spec["selector"]?.stringMap ?? [:]
        if selector.isEmpty { errors.required("spec.selector") }
        errors.nonnegative(spec["replicas"], "spec.replicas")
        guard let template = spec.present("template") else { return errors.required("spec.template") }
        let labels = template[path: "metadata", "labels"]
        if !selector.isEmpty, !LabelSelector(matchLabels: selector).matches(labels?.stringMap ?? [:]) {
            Workload.refuseLabels(labels, &errors)
        }
        Workload.validateTemplate(spec, kind: "ReplicationController", &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        ReplicaSetRules.validateStatus(object["status"] ?? [:], &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] { Workload.warnings(object, old: old, template: "spec", "template") }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.replicas" ? String(object.tree[path: "status", "replicas"]?.int ?? 0) : nil
    }
}
