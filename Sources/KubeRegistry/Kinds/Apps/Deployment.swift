import KubeObject

/// Deployment.
struct DeploymentRules: KindRules {
    var countsGeneration: Bool { true }
    var statusKeepsLabels: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("replicas", 1)
            spec.setDefault("strategy", [:])
            spec.edit("strategy") { strategy in
                strategy.setDefaultText("type", "RollingUpdate")
                if strategy.text("type") == "RollingUpdate" {
                    strategy.setDefault("rollingUpdate", [:])
                    strategy.edit("rollingUpdate") {
                        $0.setDefault("maxUnavailable", "25%")
                        $0.setDefault("maxSurge", "25%")
                    }
                }
            }
            spec.setDefault("revisionHistoryLimit", 10)
            spec.setDefault("progressDeadlineSeconds", 600)
            spec.edit("template", PodDefaults.setTemplateDefaults)
        }
        object.setDefault("status", [:])
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.nonnegative(spec["replicas"], "spec.replicas")
        Workload.validateSelector(spec, kind: "deployment", &errors)
        Workload.validateMatch(spec, &errors)
        // Upstream says so of deployments, too.
        Workload.validateTemplate(spec, kind: "ReplicaSet", &errors)
        validateStrategy(spec["strategy"] ?? [:], &errors)
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        errors.nonnegative(spec["revisionHistoryLimit"], "spec.revisionHistoryLimit")
        if let deadline = spec["progressDeadlineSeconds"]?.int {
            errors.nonnegative(.int(deadline), "spec.progressDeadlineSeconds")
            if deadline <= spec["minReadySeconds"]?.int ?? 0 {
                errors.invalid("spec.progressDeadlineSeconds", .int(deadline), "must be greater than minReadySeconds")
            }
        }
    }

    private func validateStrategy(_ strategy: JSON, _ errors: inout FieldErrors) {
        let path = "spec.strategy"
        switch strategy.text("type") {
        case "Recreate":
            if strategy.present("rollingUpdate") != nil {
                errors.forbidden("\(path).rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            let rolling = strategy["rollingUpdate"] ?? [:]
            Workload.validateCountOrPercent(rolling["maxUnavailable"], "\(path).rollingUpdate.maxUnavailable", &errors)
            Workload.validateCountOrPercent(rolling["maxSurge"], "\(path).rollingUpdate.maxSurge", &errors)
            if Workload.isZero(rolling["maxUnavailable"]), Workload.isZero(rolling["maxSurge"]) {
                errors.invalid(
                    "\(path).rollingUpdate.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
            }
            Workload.validateAtMostAll(rolling["maxUnavailable"], "\(path).rollingUpdate.maxUnavailable", &errors)
        case let other:
            errors.notSupported(path, ["Type": .string(other), "RollingUpdate": .null], ["Recreate", "RollingUpdate"])
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object[path: "spec", "selector"], old[path: "spec", "selector"], "spec.selector")
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let status = object["status"] ?? [:]
        Workload.validateCounts(
            status,
            [
                "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
                "terminatingReplicas", "collisionCount",
            ], parts: ["updatedReplicas", "readyReplicas", "availableReplicas"], &errors)
        Workload.validateAvailable(status, "cannot be greater than readyReplicas", &errors)
        Workload.validateCollisions(object, old: old, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] { Workload.warnings(object, old: old, template: "spec", "template") }
}
