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
        Workload.validateSelector(spec, kind: "deployment", &errors)
        if spec.present("selector") != nil { Workload.validateMatch(spec, &errors) }
        Workload.validateTemplate(spec, kind: "ReplicaSet", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object[path: "spec", "selector"], old[path: "spec", "selector"], "spec.selector")
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        Self.validateStatus(object["status"] ?? [:], &errors)
    }

    static func validateStatus(_ status: JSON, _ errors: inout FieldErrors) {
        Workload.validateCounts(
            status,
            [
                "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
                "terminatingReplicas",
            ], parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], &errors)
        Workload.validateAvailable(status, "cannot be greater than readyReplicas", &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] { Workload.warnings(object, old: old, template: "spec", "template") }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.replicas" ? String(object.tree[path: "status", "replicas"]?.int ?? 0) : nil
    }
}
