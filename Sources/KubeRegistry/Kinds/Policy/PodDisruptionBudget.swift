import KubeObject

/// PodDisruptionBudget.
struct PodDisruptionBudgetRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        setStatusDefaults(&object)
    }

    private func setStatusDefaults(_ object: inout JSON) {
        object.edit("status") { status in
            for key in ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"] { status.setDefault(key, 0) }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = [:]
        setStatusDefaults(&object)
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if spec.present("minAvailable") != nil, spec.present("maxUnavailable") != nil {
            errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
        }
        for key in ["minAvailable", "maxUnavailable"] {
            Workload.validateCountOrPercent(spec[key], "spec.\(key)", &errors)
            Workload.validateAtMostAll(spec[key], "spec.\(key)", &errors)
        }
        SelectorValidation.validate(spec.present("selector"), "spec.selector", &errors)
        errors.oneOf(
            spec["unhealthyPodEvictionPolicy"], ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy")
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let status = object["status"] ?? [:]
        ConditionValidation.validate(status["conditions"], "status.conditions", &errors)
        errors.nonnegative(
            status, ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], "status")
    }
}
