import KubeObject

/// What is checked of what a job is to do, of its own and in cron jobs.
enum JobValidation {
    static func validate(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.nonnegative(
            spec,
            [
                "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
                "backoffLimitPerIndex", "maxFailedIndexes",
            ], path)
        if spec["maxFailedIndexes"]?.int != nil, spec["backoffLimitPerIndex"]?.int == nil {
            errors.required("\(path).backoffLimitPerIndex", "when maxFailedIndexes is specified")
        }
        if let manager = spec.present("managedBy")?.string {
            errors.invalid("\(path).managedBy", manager, Names.domainPrefixedPath(manager))
            if manager.utf8.count > 63 { errors.tooLong("\(path).managedBy", 63) }
        }
        let isIndexed = spec.text("completionMode") == "Indexed"
        errors.oneOf(spec["completionMode"], ["NonIndexed", "Indexed"], "\(path).completionMode")
        if isIndexed {
            validateIndexed(spec, path, &errors)
        } else {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"] where spec[key]?.int != nil {
                errors.invalid("\(path).\(key)", spec[key], "requires indexed completion mode")
            }
        }
        if let policy = spec.present("podFailurePolicy") {
            PodFailurePolicyValidation.validate(policy, spec, "\(path).podFailurePolicy", &errors)
        }
        if let policy = spec.present("successPolicy") {
            if isIndexed {
                SuccessPolicyValidation.validate(policy, spec, "\(path).successPolicy", &errors)
            } else {
                errors.invalid("\(path).successPolicy", policy, "requires indexed completion mode")
            }
        }
        if let replacement = spec.present("podReplacementPolicy")?.string {
            let allowed = spec.present("podFailurePolicy") == nil ? ["Failed", "TerminatingOrFailed"] : ["Failed"]
            if !allowed.contains(replacement) {
                errors.notSupported("\(path).podReplacementPolicy", .string(replacement), allowed)
            }
        }
        Workload.validatePodTemplate(spec["template"] ?? [:], "\(path).template", &errors)
        validateRestartPolicy(spec, "\(path).template.spec.restartPolicy", &errors)
    }

    private static func validateIndexed(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let completions = spec["completions"]?.int
        let parallelism = spec["parallelism"]?.int
        let failed = spec["maxFailedIndexes"]?.int
        if completions == nil { errors.required("\(path).completions", "when completion mode is Indexed") }
        if let parallelism, parallelism > 100_000 {
            errors.invalid(
                "\(path).parallelism", .int(parallelism),
                "must be less than or equal to 100000 when completion mode is Indexed")
        }
        if let completions, let failed, failed > completions {
            errors.invalid("\(path).maxFailedIndexes", .int(failed), "must be less than or equal to completions")
        }
        if let failed, failed > 100_000 {
            errors.invalid("\(path).maxFailedIndexes", .int(failed), "must be less than or equal to 100000")
        }
        guard let completions, completions > 100_000, spec["backoffLimitPerIndex"]?.int != nil else { return }
        let bound =
            "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index"
        if failed == nil {
            errors.required("\(path).maxFailedIndexes", "must be specified when completions is above 100000")
        }
        if let parallelism, parallelism > 10_000 { errors.invalid("\(path).parallelism", .int(parallelism), bound) }
        if let failed, failed > 10_000 { errors.invalid("\(path).maxFailedIndexes", .int(failed), bound) }
    }

    private static func validateRestartPolicy(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let policy = spec[path: "template", "spec", "restartPolicy"]?.string ?? ""
        switch policy {
        case "", "Always": errors.required(path, "valid values: \"OnFailure\", \"Never\"")
        case "OnFailure", "Never":
            if policy != "Never", spec.present("podFailurePolicy") != nil {
                errors.invalid(path, .string(policy), "only \"Never\" is supported when podFailurePolicy is specified")
            }
        default: errors.notSupported(path, .string(policy), ["OnFailure", "Never"])
        }
    }

    /// - Parameter isPaused: whether the job has no pods yet.
    static func validateUpdate(_ new: JSON, old: JSON, isPaused: Bool, _ errors: inout FieldErrors) {
        if new.text("completionMode") != "Indexed" {
            errors.immutable(new["completions"], old["completions"], "spec.completions")
        } else if let completions = new["completions"]?.int, completions != old["completions"]?.int,
            completions != new["parallelism"]?.int
        {
            errors.invalid("spec.completions", .int(completions), "can only be modified in tandem with spec.parallelism")
        }
        errors.immutable(new["selector"], old["selector"], "spec.selector")
        var template = old["template"] ?? [:]
        if isPaused {
            let now = new["template"] ?? [:]
            for key in ["annotations", "labels"] { template[path: "metadata", key] = now[path: "metadata", key] }
            for key in ["nodeSelector", "tolerations", "schedulingGates"] {
                template[path: "spec", key] = now[path: "spec", key]
            }
            template[path: "spec", "affinity", "nodeAffinity"] = now[path: "spec", "affinity", "nodeAffinity"]
            // What the containers ask for may change as well (KEP-5440).
            for key in ["containers", "initContainers"] { copyResources(now, to: &template, key) }
        }
        errors.immutable(new["template"], template, "spec.template")
        for key in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
            errors.immutable(new[key], old[key], "spec.\(key)")
        }
    }

    private static func copyResources(_ now: JSON, to template: inout JSON, _ key: String) {
        let containers = now[path: "spec", key]?.elements ?? []
        var index = 0
        template.edit("spec") { spec in
            spec.editEach(key) { container in
                if index < containers.count, containers[index]["name"] == container["name"] {
                    container["resources"] = containers[index]["resources"]
                }
                index += 1
            }
        }
    }
}
