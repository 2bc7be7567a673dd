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
        let minimum = spec["minAvailable"].map { !$0.isNull } ?? false
        let maximum = spec["maxUnavailable"].map { !$0.isNull } ?? false
        if minimum, maximum {
            errors.invalid("spec", [:], "minAvailable and maxUnavailable cannot be both set")
        }
        Workload.validateCountOrPercent(spec["minAvailable"], "spec.minAvailable", &errors)
        Workload.validateCountOrPercent(spec["maxUnavailable"], "spec.maxUnavailable", &errors)
        SelectorValidation.validate(spec["selector"], "spec.selector", &errors)
        errors.oneOf(
            spec["unhealthyPodEvictionPolicy"], ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy")
    }
}
