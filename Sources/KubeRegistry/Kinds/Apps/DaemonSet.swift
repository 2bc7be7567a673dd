import KubeObject

/// DaemonSet.
struct DaemonSetRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("updateStrategy", [:])
            spec.edit("updateStrategy") { strategy in
                strategy.setDefaultText("type", "RollingUpdate")
                if strategy.text("type") == "RollingUpdate" {
                    strategy.setDefault("rollingUpdate", [:])
                    strategy.edit("rollingUpdate") {
                        $0.setDefault("maxUnavailable", 1)
                        $0.setDefault("maxSurge", 0)
                    }
                }
            }
            spec.setDefault("revisionHistoryLimit", 10)
            spec.edit("template", PodDefaults.setTemplateDefaults)
        }
        setStatusDefaults(&object)
    }

    private func setStatusDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { status in
            for key in ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"] {
                status.setDefault(key, 0)
            }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = nil
        setStatusDefaults(&object)
        object[path: "metadata", "annotations", Self.templateGeneration] = "1"
    }

    /// Counts the changes of the template, for clients of older versions.
    private static let templateGeneration = "deprecated.daemonset.template.generation"

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        let count = Int32(old[path: "metadata", "annotations", Self.templateGeneration]?.string ?? "") ?? 1
        let isChanged = !FieldErrors.isSame(object[path: "spec", "template"], old[path: "spec", "template"])
        object[path: "metadata", "annotations", Self.templateGeneration] = .string(String(isChanged ? count &+ 1 : count))
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        SelectorValidation.validate(spec.present("selector"), "spec.selector", &errors)
        Workload.validateMatch(spec, &errors)
        if let selector = spec.present("selector"), SelectorValidation.isEmpty(selector) {
            errors.invalid("spec.selector", selector, "empty selector is invalid for daemonset")
        }
        Workload.validateTemplate(spec, kind: "DaemonSet", &errors)
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        validateStrategy(spec["updateStrategy"] ?? [:], "spec.updateStrategy", &errors)
        errors.nonnegative(spec["revisionHistoryLimit"], "spec.revisionHistoryLimit")
    }

    private func validateStrategy(_ strategy: JSON, _ path: String, _ errors: inout FieldErrors) {
        switch strategy.text("type") {
        case "OnDelete": break
        case "RollingUpdate":
            guard let rolling = strategy.present("rollingUpdate") else { return errors.required("\(path).rollingUpdate") }
            let path = "\(path).rollingUpdate"
            for key in ["maxUnavailable", "maxSurge"] {
                Workload.validateCountOrPercent(rolling[key], "\(path).\(key)", &errors)
            }
            for key in ["maxUnavailable", "maxSurge"] { Workload.validateAtMostAll(rolling[key], "\(path).\(key)", &errors) }
            let hasSurge = !Workload.isZero(rolling["maxSurge"])
            let hasUnavailable = !Workload.isZero(rolling["maxUnavailable"])
            if hasSurge, hasUnavailable {
                errors.invalid("\(path).maxSurge", rolling["maxSurge"], "may not be set when maxUnavailable is non-zero")
            } else if !hasSurge, !hasUnavailable {
                errors.required("\(path).maxUnavailable", "cannot be 0 when maxSurge is 0")
            }
        case let other:
            errors.notSupported(path, ["Type": .string(other), "RollingUpdate": .null], ["RollingUpdate", "OnDelete"])
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object[path: "spec", "selector"], old[path: "spec", "selector"], "spec.selector")
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        Workload.validateCounts(
            object["status"] ?? [:],
            [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
                "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
            ], &errors)
        Workload.validateCollisions(object, old: old, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        Workload.templateWarnings(object, old: old, ["spec", "template"])
    }
}
