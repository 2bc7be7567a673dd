import KubeObject

/// StatefulSet.
struct StatefulSetRules: KindRules {
    var countsGeneration: Bool { true }

    /// Pods' names must fit a label after an ordinal is added.
    var nameRule: NameRule { .label }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("podManagementPolicy", "OrderedReady")
            spec.setDefault("updateStrategy", [:])
            spec.edit("updateStrategy") { strategy in
                strategy.setDefaultText("type", "RollingUpdate")
                if strategy.text("type") == "RollingUpdate" {
                    strategy.setDefault("rollingUpdate", [:])
                    strategy.edit("rollingUpdate") { $0.setDefault("partition", 0) }
                }
            }
            spec.setDefault("persistentVolumeClaimRetentionPolicy", [:])
            spec.edit("persistentVolumeClaimRetentionPolicy") {
                $0.setDefaultText("whenDeleted", "Retain")
                $0.setDefaultText("whenScaled", "Retain")
            }
            spec.setDefault("replicas", 1)
            spec.setDefault("revisionHistoryLimit", 10)
            spec.edit("template", PodDefaults.setTemplateDefaults)
            spec.editEach("volumeClaimTemplates") { claim in
                claim.setDefault("apiVersion", "v1")
                claim.setDefault("kind", "PersistentVolumeClaim")
                PersistentVolumeClaimRules.setClaimDefaults(&claim)
            }
        }
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("replicas", 0) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["replicas": 0, "availableReplicas": 0] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.oneOf(
            spec["podManagementPolicy"], ["OrderedReady", "Parallel"], "spec.podManagementPolicy", isRequired: true)
        let strategy = spec["updateStrategy"] ?? [:]
        switch strategy.text("type") {
        case "RollingUpdate":
            errors.nonnegative(strategy[path: "rollingUpdate", "partition"], "spec.updateStrategy.rollingUpdate.partition")
        case "OnDelete":
            if strategy["rollingUpdate"].map({ !$0.isNull }) ?? false {
                errors.invalid(
                    "spec.updateStrategy.rollingUpdate", strategy["rollingUpdate"],
                    "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "": errors.required("spec.updateStrategy")
        case let other:
            errors.invalid("spec.updateStrategy", .string(other), "must be 'RollingUpdate' or 'OnDelete'")
        }
        errors.nonnegative(spec["replicas"], "spec.replicas")
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        errors.nonnegative(spec[path: "ordinals", "start"], "spec.ordinals.start")
        Workload.validateSelector(spec, kind: "statefulset", &errors)
        Workload.validateTemplate(spec, kind: "StatefulSet", restartPolicies: ["Always"], &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let changeable: Set<String> = [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ]
        let keys = Set((object["spec"]?.object ?? [:]).map(\.key) + (old["spec"]?.object ?? [:]).map(\.key))
        for key in keys.subtracting(changeable)
        where !FieldErrors.isSame(object["spec"]?[key], old["spec"]?[key]) {
            return errors.forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
        }
    }
}

/// ControllerRevision: its data never changes.
struct ControllerRevisionRules: KindRules {
    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        if let revision = object["revision"]?.int, revision < 0 {
            errors.invalid("revision", .int(revision), "must be greater than or equal to 0")
        }
        if object["data"].map(\.isNull) ?? true { errors.required("data", "data is mandatory") }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object["data"], old["data"], "data")
    }
}
